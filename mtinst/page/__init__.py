"""The page: what it says, how it looks, and what it keeps; `app.py` wires these parts together."""

import os

from mtinst.page.stubs import write_no_stubs

# Gradio reads this once, while it is imported; without it, it would report home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# It also keeps a record of each click and reckons with all of them after the next.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "20")
write_no_stubs()
