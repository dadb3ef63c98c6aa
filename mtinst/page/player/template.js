// The player's controls and pictures as HTML. Nothing is put into this text: what a song says is written into elements.

export const template = document.createElement("template");
template.innerHTML = `
<div class="mtp" data-state="empty">
  <div class="mtp-bar">
    <button class="mtp-play" type="button" disabled aria-label="Play" title="Play or pause (space)"><i aria-hidden="true"></i></button>
    <span class="mtp-time">0:00.0 / 0:00</span>
    <input class="mtp-position" type="range" min="0" max="1000" step="any" value="0" aria-label="Position in the song">
    <div class="mtp-fader" role="group" aria-label="What you hear">
      <button class="mtp-hear-original" type="button" aria-pressed="false">The song itself</button>
      <input class="mtp-fade" type="range" min="0" max="100" value="100" aria-label="From the song itself to its notes">
      <button class="mtp-hear-notes" type="button" aria-pressed="true">Its notes</button>
    </div>
  </div>
  <div class="mtp-tools" role="group" aria-label="How it is played and shown">
    <div class="mtp-group">
      <label class="mtp-label">Speed <input class="mtp-speed" type="range" min="50" max="150" step="5" value="100"></label>
      <button class="mtp-normal-speed" type="button" aria-label="Back to normal speed" title="Back to normal speed">1.00×</button>
    </div>
    <div class="mtp-group" role="group" aria-label="Loop">
      <button class="mtp-loop" type="button" aria-pressed="false" title="Play a region again and again (L). Drag on the ruler to mark one.">Loop</button>
      <button class="mtp-loop-start" type="button" aria-label="Loop from here" title="Loop from here (A)">A</button>
      <button class="mtp-loop-end" type="button" aria-label="Loop up to here" title="Loop up to here (B)">B</button>
    </div>
    <button class="mtp-follow" type="button" aria-pressed="true" title="Keep the playhead in sight (F)">Follow</button>
    <button class="mtp-show-probabilities" type="button" aria-pressed="false" title="What the network gives each pitch, under the notes" hidden>Probabilities</button>
    <button class="mtp-compare" type="button" aria-label="Compare with the right notes" title="Compare with the right notes" aria-pressed="false" hidden>Compare</button>
    <button class="mtp-edit" type="button" aria-pressed="false" title="Move, change, add and remove notes by hand">Edit</button>
    <button class="mtp-show-ghosts" type="button" aria-pressed="false" title="Notes that the network half heard, in outline: a click adds one (G, Enter)" hidden>Ghosts</button>
    <div class="mtp-zoom" role="group" aria-label="Zoom">
      <button class="mtp-smaller" type="button" aria-label="Show more of the song" title="Show more of the song (−)">−</button>
      <button class="mtp-larger" type="button" aria-label="Show it larger" title="Show it larger (+)">+</button>
      <button class="mtp-whole" type="button" title="Show the whole song (0)">All</button>
    </div>
  </div>
  <p class="mtp-message" role="status" hidden></p>
  <div class="mtp-lane">
    <div class="mtp-caption"><h2>Who plays which note</h2><p>One bar for each note: further right is later, higher up is higher in pitch, and the colour says who plays it. These bars are exactly the notes of the MIDI file.</p></div>
    <div class="mtp-legend" hidden>
      <ul aria-label="Compared with the right notes">
        <li><i class="mtp-hit" aria-hidden="true"></i>found</li>
        <li><i class="mtp-missed" aria-hidden="true"></i>missed</li>
        <li><i class="mtp-extra" aria-hidden="true"></i>too many</li>
      </ul>
      <p class="mtp-scores"></p>
    </div>
    <div class="mtp-tools mtp-edits" role="group" aria-label="Editing" hidden>
      <label class="mtp-label">Instrument <select class="mtp-edit-instrument" title="Give the selected notes to this instrument (1 to 9, 0, −); new notes are its too"></select></label>
      <div class="mtp-group">
        <button class="mtp-edit-remove" type="button" title="Remove the selected notes (delete)">Delete</button>
        <button class="mtp-edit-undo" type="button" title="Take the last change back (ctrl Z)">Undo</button>
        <button class="mtp-edit-redo" type="button" title="Make it again (ctrl Y, or ctrl shift Z)">Redo</button>
        <button class="mtp-edit-reset" type="button" title="Take all changes back">As it was</button>
      </div>
      <span class="mtp-quiet mtp-edit-selected" aria-live="polite"></span>
    </div>
    <div class="mtp-stage">
      <canvas class="mtp-notes" role="img" aria-label="Who plays which note"></canvas>
      <canvas class="mtp-now" aria-hidden="true"></canvas>
      <i class="mtp-playhead mtp-handle" aria-hidden="true"></i>
      <div class="mtp-tip" hidden></div>
    </div>
  </div>
  <ul class="mtp-rows" aria-label="Mixer"></ul>
  <div class="mtp-tools mtp-timing" role="group" aria-label="Tempo and bars" hidden>
    <div class="mtp-group">
      <label class="mtp-label">Tempo <input class="mtp-tempo" type="number" min="20" max="400" step="any" title="Beats a minute"></label>
      <button class="mtp-half" type="button" title="Half the tempo">Half</button>
      <button class="mtp-double" type="button" title="Twice the tempo">Double</button>
      <button class="mtp-tap" type="button" title="Tap along (T): the tempo, and while the song plays, from the first beat of a bar, the bars too">Tap</button>
    </div>
    <div class="mtp-group">
      <label class="mtp-label">Beats a bar <select class="mtp-per-bar" title="Quarters; six are eighths"><option>2</option><option>3</option><option>4</option><option>6</option></select></label>
      <button class="mtp-first-beat" type="button" title="A bar begins at the playhead, on the beat nearest to it">First beat here</button>
    </div>
    <button class="mtp-estimated" type="button" title="Tempo and bars as they were estimated">As estimated</button>
  </div>
  <details class="mtp-lane mtp-score" hidden>
    <summary>The score</summary>
    <p class="mtp-quiet">A click on a note or a bar goes there. Key, tempo and bars are estimated; where they are wrong, say so above.</p>
    <div class="mtp-sheets" role="region" aria-label="The score" tabindex="0"></div>
  </details>
  <div class="mtp-lane">
    <div class="mtp-caption"><h2>Who plays when</h2><p>One row for each instrument. The stronger its colour, the surer the network is that it plays at that moment. Voice is singing, and Other is any sound that has a pitch and is none of the named ones: clarinet, horn, organ, harp, synthesiser …</p></div>
    <div class="mtp-stage">
      <canvas class="mtp-activity" role="img" aria-label="Who plays when"></canvas>
      <div class="mtp-names" role="group" aria-label="Spotlight one instrument"></div>
      <i class="mtp-playhead" aria-hidden="true"></i>
    </div>
  </div>
  <div class="mtp-lane">
    <div class="mtp-caption"><h2>Which pitches sound</h2><p>All that sounds, whoever plays it, before it is cut into notes. The stronger, the surer.</p></div>
    <div class="mtp-stage">
      <canvas class="mtp-pitches" role="img" aria-label="Which pitches sound"></canvas>
      <i class="mtp-playhead" aria-hidden="true"></i>
    </div>
  </div>
  <p class="mtp-quiet mtp-note" hidden></p>
  <p class="mtp-keys" aria-label="Keyboard shortcuts">
    <span><kbd>space</kbd> play, pause</span>
    <span><kbd>←</kbd> <kbd>→</kbd> 2 s, with <kbd>shift</kbd> 10 s; <kbd>home</kbd> the start</span>
    <span><kbd>1</kbd>–<kbd>9</kbd>, <kbd>V</kbd>, <kbd>O</kbd> mute, with <kbd>shift</kbd> solo</span>
    <span><kbd>L</kbd> loop, <kbd>A</kbd> from here, <kbd>B</kbd> up to here</span>
    <span><kbd>,</kbd> <kbd>.</kbd> slower, faster</span>
    <span><kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom</span>
    <span><kbd>F</kbd> follow</span>
    <span><kbd>T</kbd> tap the tempo</span>
    <span class="mtp-edit-keys">Editing: <kbd>N</kbd> <kbd>P</kbd> next, previous note, with <kbd>shift</kbd> too; <kbd>I</kbd> add at the playhead</span>
    <span class="mtp-edit-keys"><kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> move, with <kbd>shift</kbd> length, octave</span>
    <span class="mtp-edit-keys"><kbd>1</kbd>–<kbd>9</kbd>, <kbd>0</kbd>, <kbd>−</kbd> instrument; <kbd>delete</kbd>; <kbd>esc</kbd> select none</span>
    <span class="mtp-edit-keys"><kbd>ctrl</kbd> <kbd>Z</kbd> undo, with <kbd>shift</kbd> redo</span>
    <span><kbd>G</kbd> next ghost, with <kbd>shift</kbd> the one before, <kbd>enter</kbd> adds it; <kbd>W</kbd> who plays it</span>
    <label><input class="mtp-keys-anywhere" type="checkbox" checked> these keys work wherever you are on the page</label>
  </p>
  <template class="mtp-row-template">
    <li class="mtp-row">
      <i aria-hidden="true"></i>
      <span class="mtp-who"><b class="mtp-who-name"></b><small class="mtp-count"></small></span>
      <kbd class="mtp-key" aria-hidden="true" title="Key: mute, with shift solo"></kbd>
      <button class="mtp-solo" type="button" aria-pressed="false">Solo</button>
      <button class="mtp-mute" type="button" aria-pressed="false">Mute</button>
      <label class="mtp-label" title="Volume">Volume <input class="mtp-volume" type="range" min="0" max="120"></label>
      <label class="mtp-label" title="Left, right">Left, right <input class="mtp-pan" type="range" min="-100" max="100"></label>
      <span class="mtp-meter" aria-hidden="true"><i class="mtp-level"></i></span>
    </li>
  </template>
  <div class="mtp-shares" popover="manual" role="dialog" aria-label="Who plays this note">
    <p class="mtp-shares-of"></p>
    <ul class="mtp-shares-list"></ul>
  </div>
  <template class="mtp-share-template">
    <li><button class="mtp-share" type="button" title="Give the note to this instrument"><span class="mtp-share-name"></span><i class="mtp-share-bar" aria-hidden="true"></i><span class="mtp-share-percent"></span></button></li>
  </template>
  <template class="mtp-name-template">
    <button type="button" aria-pressed="false" title="Pick out this instrument"><i aria-hidden="true"></i><span class="mtp-long"></span><span class="mtp-short"></span></button>
  </template>
</div>
`;
