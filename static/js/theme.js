// Runs before the first paint, so that a chosen theme never flashes. Classic script: modules would come too late.
(() => {
  const root = document.documentElement;
  const key = "theme";
  const read = () => {
    try {
      return localStorage.getItem(key) ?? "auto";
    } catch {
      return "auto"; // storage is blocked: follow the system
    }
  };
  root.dataset.theme = read();
  addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    select.value = root.dataset.theme;
    select.addEventListener("change", () => {
      root.dataset.theme = select.value;
      try {
        localStorage.setItem(key, select.value);
      } catch {
        // The choice then lasts as long as the page.
      }
    });
  });
})();
