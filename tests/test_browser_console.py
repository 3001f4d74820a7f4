"""Which console messages the browser tests leave out: a few, each whole."""

import pytest
from browser.pages import ours

LAB = "http://127.0.0.1:40001"
DEBUGGER = (
    "Could not restore the debugger state: Canceled future for debug_request message before "
    f"replies were done ({LAB}/static/lab/jlab_core.8811dd2733d03721.js?v=8811dd2733d03721)"
)


@pytest.mark.parametrize(
    "error",
    [
        "Failed to load resource: the server responded with a status of 500 (Internal Server Error)"
        f" ({LAB}/api/kernels)",
        f"WebSocket connection to 'ws://127.0.0.1:1/api/kernels/1/channels' failed: ({LAB}/lab)",
        f"Error: Could not create a model of @jupyter-widgets/base ({LAB}/api/kernels/1/channels)",
        f"Failed to load resource: net::ERR_NAME_NOT_RESOLVED ({LAB}/static/lab/main.js)",
        f"TypeError: no debugger state ({LAB}/static/lab/main.js)",
        f"Failed to load resource: net::ERR_CONNECTION_REFUSED ({LAB}/favicon.ico)",
        f"{DEBUGGER} and then the kernel died",
    ],
)
def test_what_goes_wrong_on_a_page_is_seen(error: str) -> None:
    assert ours([error, DEBUGGER]) == [error]


def test_what_jupyterlab_says_of_itself_is_left_out() -> None:
    outside = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED (https://cdn.example/a.js)"
    assert ours([DEBUGGER, outside]) == []
