// Theme and language. Runs before the first paint, so that a chosen theme never flashes; a module would come too late.
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
    // The server writes the page in the language of this cookie; where unsaved work would be lost, the browser asks first.
    document.getElementById("language").addEventListener("change", ({ target }) => {
      document.cookie = `language=${target.value}; path=/; max-age=31536000; samesite=lax`;
      location.reload();
    });
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
