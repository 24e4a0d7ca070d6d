// Pure.
/**
 * What the fleet page does in the browser: it listens to `events`, and puts in what has changed. Focus,
 * scroll and selected text stay where they are. A hidden tab does not listen, so that nobody scans for it.
 *
 * Plain JavaScript that each evergreen browser knows, without `eval`. Its hash is in page_policy.ts: a test
 * says the new one when it has changed.
 *
 * @module
 */

/** The script. It reads the address from `data-events` of the body. */
export const PAGE_SCRIPT = `
(function () {
  "use strict";
  var address = document.body.getAttribute("data-events");
  var connection = document.getElementById("connection");
  // Milliseconds: how long silence counts as a lost connection, and the pauses between attempts.
  var SILENCE = 60000, FIRST_PAUSE = 2000, REFUSED_PAUSE = 15000, LONGEST_PAUSE = 300000;
  var source, retry, isLive = false, pause = FIRST_PAUSE, heardAt = new Date(), askedAt, waiting = {}, order = {};

  function show() {
    var seconds = Math.round((new Date() - heardAt) / 1000);
    var age = seconds < 120 ? seconds + " s" : Math.floor(seconds / 60) + " min";
    var text = isLive ? "live" : (source ? "connecting" : "connection lost") + ", shows the state of " + clock(heardAt) + ", " + age + " old";
    if (connection.textContent !== text) connection.textContent = text;
    connection.className = isLive || source ? "sub" : "sub lost";
  }
  function clock(date) {
    return [date.getHours(), date.getMinutes(), date.getSeconds()].map(function (part) {
      return (part < 10 ? "0" : "") + part;
    }).join(":");
  }

  function close() {
    if (source) source.close();
    source = undefined;
    isLive = false;
    clearTimeout(retry);
  }
  function connect() {
    close();
    askedAt = new Date();
    var mine = source = new EventSource(address);
    mine.onmessage = function (event) {
      isLive = true;
      pause = FIRST_PAUSE;
      heardAt = new Date();
      take(JSON.parse(event.data));
      show();
    };
    // Pauses are ours, and grow: a browser would ask a refusing server every few seconds for ever.
    mine.onerror = function () { lose(mine.readyState === 2 ? REFUSED_PAUSE : 0); };
  }
  function lose(least) {
    close();
    show();
    retry = setTimeout(connect, Math.max(least, pause));
    pause = Math.min(LONGEST_PAUSE, Math.max(least, pause) * 2);
  }

  function take(update) {
    Object.keys(update.order || {}).forEach(function (id) { order[id] = update.order[id]; });
    Object.keys(update.parts || {}).forEach(function (id) { waiting[id] = update.parts[id]; });
    var focus = focused();
    Object.keys(order).forEach(sortRows);
    Object.keys(waiting).forEach(replace);
    if (focus) focus();
  }
  function sortRows(bodyId) {
    var body = document.getElementById(bodyId), ids = order[bodyId];
    if (isSelected(body)) return;
    delete order[bodyId];
    ids.forEach(function (id, index) {
      var row = document.getElementById(id), there = body.children[index];
      if (!row) {
        row = document.createElement("tr");
        row.id = id;
      }
      if (row !== there) body.insertBefore(row, there || null);
    });
    while (body.children.length > ids.length) body.removeChild(body.lastElementChild);
  }
  function replace(id) {
    var element = document.getElementById(id);
    if (element && isSelected(element)) return;
    var html = waiting[id];
    // A row whose body cannot be sorted yet comes later.
    if (!element) return;
    delete waiting[id];
    var fresh = element.cloneNode(false);
    fresh.innerHTML = html;
    if (!fresh.isEqualNode(element)) element.innerHTML = html;
  }
  // What somebody is about to copy is left alone until the selection is gone.
  function isSelected(element) {
    var selection = getSelection();
    return selection.rangeCount > 0 && !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(element);
  }
  // What gives the focus back to the link that stands where the focused one stood.
  function focused() {
    var active = document.activeElement, part = active && active.closest("[id]");
    if (!part || active === document.body) return undefined;
    var links = "a,button,input,[tabindex]", all = part.querySelectorAll(links);
    var id = part.id, index = Array.prototype.indexOf.call(all, active);
    return function () {
      if (document.activeElement === active) return;
      part = document.getElementById(id);
      var next = part && (part.querySelectorAll(links)[index] || part.querySelector(links));
      if (next) next.focus({ preventScroll: true });
    };
  }

  setInterval(function () {
    if (source && new Date() - Math.max(heardAt, askedAt) > SILENCE) lose(0);
    else show();
  }, 1000);
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) close();
    else connect();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", function (event) { if (event.persisted) connect(); });
  if (!document.hidden) connect();
})();
`;
