"use strict";
(function () {
  var main = document.querySelector("main"), dirty = false;
  function on(target, name, act) { target.addEventListener(name, act); }
  on(document, "input", function () { dirty = true; });
  document.querySelectorAll("[data-typed]").forEach(function (typed) {
    on(typed, "input", function () { document.getElementById(typed.dataset.typed).checked = true; });
  });
  document.querySelectorAll("input[type=password]").forEach(function (key) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = main.dataset.show;
    button.setAttribute("aria-controls", key.id);
    on(button, "click", function () {
      var shown = key.type === "text";
      key.type = shown ? "password" : "text";
      button.textContent = shown ? main.dataset.show : main.dataset.hide;
    });
    key.parentNode.appendChild(button);
  });
  function ask(path, then) {
    var request = new XMLHttpRequest();
    request.open("GET", path);
    request.timeout = 4000;
    request.onload = function () {
      if (request.status === 200) { then(JSON.parse(request.responseText)); }
    };
    request.send();
  }
  function say(sentence) {
    var note = document.getElementById("note") || document.createElement("p");
    note.id = "note";
    note.className = "card";
    note.setAttribute("role", "alert");
    note.textContent = sentence;
    main.insertBefore(note, main.firstChild);
  }
  function look() {
    if (document.hidden) { return; }
    ask("/api/status", function (status) {
      var news = status.mark !== main.dataset.mark;
      if (!dirty && (news || status.list !== main.dataset.list)) { location.replace("/?r"); }
      else if (news && status.attempt) {
        main.dataset.mark = status.mark;
        say(status.attempt.message);
      }
    });
  }
  setInterval(look, 3000);
})();
