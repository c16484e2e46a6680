/* Answers CPUID without the newest vector instructions. `older_processor.py` replaces each CPUID instruction by INT3. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))
#define VNNI_7_0_ECX (BIT(11) | BIT(8))                        /* AVX512_VNNI, GFNI */
#define VNNI_7_1_EAX (BIT(4) | BIT(5))                         /* AVX_VNNI, AVX512_BF16 */
#define VNNI_7_1_EDX (BIT(4) | BIT(5) | BIT(10))               /* AVX_VNNI_INT8, AVX_NE_CONVERT, AVX_VNNI_INT16 */
#define AVX512_7_0_EBX (BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
#define AVX512_7_0_ECX (BIT(1) | BIT(6) | BIT(12) | BIT(14))
#define AVX512_7_0_EDX (BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25)) /* and AMX */

static int without_vnni, without_avx512;

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    unsigned a = registers[REG_RAX], b, c = registers[REG_RCX], d, leaf = a, part = c;
    (void)number, (void)info;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (leaf == 7 && part == 0 && without_vnni) c &= ~VNNI_7_0_ECX;
    if (leaf == 7 && part == 1 && without_vnni) a &= ~VNNI_7_1_EAX, d &= ~VNNI_7_1_EDX;
    if (leaf == 7 && part == 0 && without_avx512) b &= ~AVX512_7_0_EBX, c &= ~AVX512_7_0_ECX, d &= ~AVX512_7_0_EDX;
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 1; /* the second byte of the replaced instruction */
}

__attribute__((constructor)) static void install(void) {
    const char *level = getenv("WITHOUT");
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    without_vnni = level && atoi(level) >= 1;
    without_avx512 = level && atoi(level) >= 2;
    sigaction(SIGTRAP, &action, NULL);
}
