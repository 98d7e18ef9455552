// Keeps the page up to date: the node sends blocks of it that have changed. Without this script the
// page is whole and shows the moment at which it was loaded.
'use strict';

(() => {
  const address = document.body.dataset.events;
  const light = document.getElementById('live');
  if (!address || !light || !window.EventSource) return;

  let stream = null;

  const say = (state, text) => {
    light.dataset.state = state;
    light.textContent = text;
    light.setAttribute('aria-pressed', String(state !== 'paused'));
  };

  // Where the keyboard is must not be lost when a block is replaced under it.
  const place = (block) => {
    const active = document.activeElement;
    if (!active || !block.contains(active)) return null;
    const all = [...block.querySelectorAll('a[href], button, input, select, summary')];
    return all.indexOf(active);
  };

  const replace = (block, html) => {
    const at = place(block);
    block.innerHTML = html;
    if (at === null) return;
    const all = block.querySelectorAll('a[href], button, input, select, summary');
    if (all[at]) all[at].focus({ preventScroll: true });
  };

  const start = () => {
    stream = new EventSource(address);
    stream.addEventListener('open', () => say('live', 'live'));
    stream.addEventListener('error', () => say('lost', 'not connected'));
    stream.addEventListener('part', (message) => {
      const part = JSON.parse(message.data);
      const block = document.getElementById(part.id);
      if (block) replace(block, part.html);
    });
  };

  light.title = 'Stops and starts the updates of this page';
  light.addEventListener('click', () => {
    if (stream) {
      stream.close();
      stream = null;
      say('paused', 'paused');
    } else {
      start();
    }
  });
  say('lost', 'connecting');
  light.hidden = false;
  start();
})();
