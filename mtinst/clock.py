"""Times as people read them."""


def clock(second: float, *, tenths: bool = False) -> str:
    """Seconds as minutes and seconds, with hours when there are any.

    Examples
    --------
    >>> clock(0), clock(75), clock(3723), clock(1.5, tenths=True)
    ('0:00', '1:15', '1:02:03', '0:01.5')
    """
    n_tenths = round(max(second, 0.0) * 10) if tenths else round(max(second, 0.0)) * 10
    whole, tenth = divmod(n_tenths, 10)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{tenth}" if tenths else text
