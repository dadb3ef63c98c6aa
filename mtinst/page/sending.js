// Gradio sends a file once, and says nothing where a recording cannot be sent. So a connection that fails is tried again
// for a while, and `mtinstSending` says how many files are on their way.
(() => {
  const PATIENCE_MS = 45_000;
  const PAUSE_MS = 1_000;
  const send = window.fetch;

  const sendFile = async (...request) => {
    const end = Date.now() + PATIENCE_MS;
    while (true) {
      try {
        return await send(...request);
      } catch (error) {
        if (error.name === 'AbortError' || Date.now() > end) throw error;
        await new Promise((goOn) => setTimeout(goOn, PAUSE_MS));
      }
    }
  };

  window.mtinstSending = 0;
  window.fetch = async (resource, options) => {
    const {pathname} = new URL(resource.url ?? resource, location);
    if (!pathname.endsWith('/upload')) return send(resource, options);
    window.mtinstSending += 1;
    try {
      return await sendFile(resource, options);
    } finally {
      window.mtinstSending -= 1;
    }
  };
})();
