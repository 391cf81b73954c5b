"""Pages: all rows once, in order, however they are cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from systemzero_base.pages import BATCH_ROWS, PAGE_BYTES, page_of

Row = tuple[int, int]


class Listing:
    """Rows of given weights, and what was read of them."""

    def __init__(self, weights: Sequence[int]) -> None:
        self.rows: list[Row] = list(enumerate(weights))
        self.most_read = 0

    async def read(self, last: Row | None, count: int) -> Sequence[Row]:
        self.most_read = max(self.most_read, count)
        start = last[0] + 1 if last else 0
        return self.rows[start : start + count]

    async def pages(self, size: int) -> list[list[Row]]:
        """Every page, one after the other."""
        pages: list[list[Row]] = []
        more = True
        while more:

            async def after(last: Row | None, count: int) -> Sequence[Row]:
                return await self.read(last or (pages[-1][-1] if pages else None), count)

            page, more = await page_of(after, size, lambda row: row[1])
            pages.append(page)
        return pages


@pytest.mark.parametrize("size", [1, 7, BATCH_ROWS, BATCH_ROWS + 1, 100])
@pytest.mark.parametrize(
    "weights",
    [[], [1], [10] * 100, [PAGE_BYTES // 3] * 25, [5 * PAGE_BYTES] * 3, [1, 5 * PAGE_BYTES, 1]],
)
async def test_every_row_is_on_one_page_of_bounded_size(size: int, weights: list[int]) -> None:
    listing = Listing(weights)
    pages = await listing.pages(size)
    assert [row for page in pages for row in page] == listing.rows
    for page in pages:
        assert len(page) <= size
        assert len(page) == 1 or sum(weight for _, weight in page) <= PAGE_BYTES
    assert all(pages) or not weights
    assert listing.most_read <= BATCH_ROWS + 1


async def test_a_page_of_light_rows_is_full() -> None:
    assert [len(page) for page in await Listing([10] * 100).pages(40)] == [40, 40, 20]
