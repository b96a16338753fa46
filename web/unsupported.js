// Says that this browser cannot run the page. In the oldest JavaScript, for those that need it.
(function () {
  var told = document.createElement("main");
  told.id = "unsupported";
  told.className = "first";
  told.setAttribute("data-testid", "unsupported");
  told.setAttribute("role", "alert");
  var title = document.createElement("h1");
  title.textContent = "Kneepoint cannot start in this browser";
  var text = document.createElement("p");
  text.textContent =
    "It measures with WebAssembly, which this browser lacks, forbids, or knows in an older form only; " +
    "or a part of the page did not load. Reload it, try a current Chromium, Firefox or Safari, " +
    "or measure from a terminal: npx kneepoint knee --help";
  told.appendChild(title);
  told.appendChild(text);
  document.body.textContent = "";
  document.body.appendChild(told);
})();
