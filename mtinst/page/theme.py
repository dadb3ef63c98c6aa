"""Gradio's own variables, set to the page's colours; system fonts only, so that nothing is asked of other servers."""

import gradio as gr
from gradio.themes.utils import colors

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def page_theme() -> gr.themes.Base:
    """The page's theme, light and dark."""
    return gr.themes.Base(
        primary_hue=colors.sky, neutral_hue=colors.slate, font=FONT, font_mono=MONO, radius_size="md"
    ).set(
        body_background_fill="#f6f7f9",
        body_background_fill_dark="#0e1116",
        body_text_color="#1d2433",
        body_text_color_dark="#eceff5",
        block_background_fill="#ffffff",
        block_background_fill_dark="#171a21",
        border_color_primary="#dfe2ea",
        border_color_primary_dark="#2b313d",
        block_border_width="1px",
        block_shadow="none",
        button_primary_background_fill="#22607f",
        button_primary_background_fill_hover="#1a4d67",
        button_primary_background_fill_dark="#2d7da5",
        button_primary_background_fill_hover_dark="#3a90bb",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        slider_color="#22607f",
        slider_color_dark="#7cc4e6",
        checkbox_background_color_selected="#22607f",
        checkbox_background_color_selected_dark="#2d7da5",
    )
