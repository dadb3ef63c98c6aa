"""From a song to its notes, stage by stage; :mod:`mtinst.pipeline` runs them."""
