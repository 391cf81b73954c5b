"""Write the hand-made phone and Windows page sources under tests/data/samples."""

from __future__ import annotations

from pathlib import Path

from scripts.samples import android, ios, windows

SAMPLES = Path(__file__).parent.parent / "tests" / "data" / "samples"


def samples() -> dict[str, bytes]:
    """Path below `SAMPLES` to content."""
    return {
        "android/login.xml": android.uiautomator(android.login()),
        "android/login.appium.xml": android.appium(android.login()),
        "android/settings.xml": android.uiautomator(android.settings()),
        "android/settings.appium.xml": android.appium(android.settings()),
        "ios/login.xml": ios.page_source(ios.login()),
        "ios/settings.xml": ios.page_source(ios.settings()),
        "windows/login.utf16.xml": windows.utf16_declared(windows.login()),
        "windows/login.utf8-says-utf16.xml": windows.utf8_declared_utf16(windows.login()),
        "windows/login.utf16-says-utf8.xml": windows.utf16_declared_utf8(windows.login()),
        "windows/settings.xml": windows.utf8_after_blanks(windows.settings()),
    }


def main() -> None:
    """Write them all."""
    for name, content in samples().items():
        path = SAMPLES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
