// Whatever people bring is taken at one place. Gradio's player takes what it knows; everything else goes to a hidden
// upload, and the server says what it is. `mtinstOpening` says how many of those are not there yet.
(() => {
  const PLAYED = /\.(wav|mp3|flac|ogg|oga)$/i;
  const PLACE = '#mt-audio';

  const isPlayed = (file) => PLAYED.test(file.name) && file.type.startsWith('audio/');

  const hand = (file) => {
    const input = document.getElementById('mt-other-file').previousElementSibling;
    const files = new DataTransfer();
    files.items.add(file);
    window.mtinstOpening += 1;
    input.files = files.files;
    input.dispatchEvent(new Event('change', {bubbles: true}));
  };

  const take = (event, files) => {
    if (!event.target.closest?.(PLACE) || !files?.length) return;
    const isFree = Boolean(document.querySelector(`${PLACE} input[type=file]`));
    if (isFree && isPlayed(files[0])) return;
    event.preventDefault();
    event.stopPropagation();
    hand(files[0]);
  };

  window.mtinstOpening = 0;
  addEventListener('drop', (event) => take(event, event.dataTransfer?.files), true);
  addEventListener('dragover', (event) => {
    if (event.target.closest?.(PLACE)) event.preventDefault();
  }, true);
  addEventListener('change', (event) => {
    take(event, event.target.files);
    if (event.defaultPrevented || event.cancelBubble) event.target.value = '';
  }, true);
  // The choice of files shows all of them.
  addEventListener('click', (event) => {
    event.target.closest?.(PLACE)?.querySelector('input[type=file]')?.removeAttribute('accept');
  }, true);

  // What Transcribe has to wait for before there is a song.
  window.mtinstAwaited = (song) => {
    if (song) return null;
    const stops = document.querySelectorAll(`${PLACE} :is(.stop-button, .stop-button-paused)`);
    if ([...stops].some((button) => button.offsetParent)) return 'recording';
    // Gradio shows a recording before the server has it.
    if (document.querySelector(`${PLACE} [data-testid=waveform-controls]`)) return 'recorded';
    return window.mtinstSending || window.mtinstOpening ? 'sent' : null;
  };

  // Gradio gives one name to all that is recorded or trimmed in it, out of what is no file yet.
  window.File = new Proxy(File, {
    construct: (target, [parts, name, ...options]) => {
      const before = window.mtinstSong?.orig_name?.replace(/\.[^.]*$/, '');
      const own = before ? `${before}, trimmed.wav` : 'Recording.wav';
      const isMade = name === 'audio.wav' && !(parts[0] instanceof target);
      return new target(parts, isMade ? own : name, ...options);
    },
  });
})();
