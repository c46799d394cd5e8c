"""The map on the page: dots and colours, a legend for each colouring, and the latents in words."""

from __future__ import annotations

import re
from typing import Any

from jobs.report import embedding_map
from jobs.report.embedding_measures import EmbeddingMap
from jobs.report.metrics import assemble
from jobs.report.page import render


def test_dots_have_the_colour_of_their_rate_and_of_their_latent(drawn: dict[str, Any]) -> None:
    found = embedding_map.picture(EmbeddingMap.model_validate(drawn))
    assert found is not None
    assert [dot.rate for dot in found.dots] == [0, 1, 2, 3, 4, 4]
    assert [dot.latent for dot in found.dots] == [1, 2, 3, 0, 1, 1]  # by how many users' greatest one it is
    assert (found.dots[0].x, found.dots[0].y, found.dots[1].y) == (8.0, 392.0, 8.0)  # up is up
    assert found.latents == ("any other", "12: clicks on category 12", "7: clicks on category 7",
                             "38: clicks on category 38")  # fmt: skip
    assert len(found.rates) == embedding_map.RATES


def test_the_page_shows_map_and_words(
    measured: dict[str, Any], decision: dict[str, Any], drawn: dict[str, Any]
) -> None:
    page = render(assemble(measured, decision, embedding_map=drawn))
    section = page[page.index('id="embedding"') : page.index('id="data"')]
    assert section.count("<circle") == 6
    assert len(re.findall(r'type="radio"', section)) == 2
    assert "more clicks on category 38 (0.1 → 1.2); fewer pushes on &lt;b&gt;news&lt;/b&gt; (1.8 → 0.2)" in section
    assert "Users surely click more who have latent 38 (with 38: 6.6" in section
    assert "Users surely click less who have latent 7 (with 7: 3" in section
    assert "trustworthiness 0.971" in section


def test_a_map_of_another_embedding_is_not_shown(
    measured: dict[str, Any], decision: dict[str, Any], drawn: dict[str, Any]
) -> None:
    page = render(assemble(measured, decision, embedding_map=drawn | {"embedding_version": "of yesterday"}))
    assert '<figure class="picture map"' not in page


def test_where_no_latent_surely_differs_it_says_so(drawn: dict[str, Any]) -> None:
    said = embedding_map.sentence(EmbeddingMap.model_validate(drawn | {"latents": drawn["latents"][1:2]}))
    assert said == (
        "Of none of these latents the users surely click more than the others. "
        "Of none of these latents the users surely click less than the others."
    )


def test_a_map_of_one_rate_has_one_colour(drawn: dict[str, Any]) -> None:
    drawn["points"]["click_rate"] = [0.0] * 6
    found = embedding_map.picture(EmbeddingMap.model_validate(drawn))
    assert found is not None
    assert len({dot.rate for dot in found.dots}) == 1
