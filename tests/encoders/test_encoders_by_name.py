"""Names: what opens, what is refused, and what the command says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sightline.cli import encoders as command
from sightline.encoders.by_name import available, open_encoder
from sightline.errors import MissingExtra, NoSuchEncoder


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    args = parser.parse_args(["encoders", *words])
    for shared, value in (("json", False), ("library", None)):
        if not hasattr(args, shared):
            setattr(args, shared, value)
    return int(args.run(args))


def test_the_default_needs_nothing() -> None:
    assert open_encoder().card.name == "storybook"


def test_an_unknown_name_is_told_what_exists() -> None:
    with pytest.raises(
        NoSuchEncoder, match="there is no encoder 'colur'; there are: storybook .*colour .*none .*onnx:NAME"
    ):
        open_encoder("colur")


def test_a_folder_that_moved_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoSuchEncoder, match="is not a folder; was the model moved"):
        open_encoder(str(tmp_path / "gone"))


def test_a_folder_is_named_by_its_whole_path(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny("clip").parent)
    card = open_encoder(f"hf:{tiny('clip').name}").card
    assert card.name == f"hf:{tiny('clip')}" == open_encoder(f"./{tiny('clip').name}").card.name


def test_an_at_sign_in_a_path_is_no_variant(tmp_path: Path) -> None:
    (tmp_path / "me@home/model").mkdir(parents=True)
    with pytest.raises(NoSuchEncoder, match="me@home/model has neither"):
        open_encoder(str(tmp_path / "me@home/model"))


def test_a_folder_without_a_model_is_told_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(NoSuchEncoder, match="neither .onnx nor .safetensors files"):
        open_encoder(str(tmp_path))


def test_a_lone_onnx_file_is_told_what_else_is_needed(tmp_path: Path) -> None:
    (tmp_path / "vision_model.onnx").write_bytes(b"x")
    with pytest.raises(NoSuchEncoder, match="lacks config.json"):
        open_encoder(str(tmp_path))


def test_a_hub_name_offline_says_how_to_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(NoSuchEncoder, match="Where there is a network: hf download nobody/nothing --local-dir FOLDER"):
        open_encoder("onnx:nobody/nothing")


def test_a_malformed_hub_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(NoSuchEncoder, match="could not be fetched"):
        open_encoder("onnx:nobody//../etc")


def test_an_unknown_variant_names_the_known_ones() -> None:
    with pytest.raises(NoSuchEncoder, match="'int7' is not known; float, fp16, int8 are"):
        open_encoder("onnx:some/name@int7")


def test_without_the_lab_a_transformers_name_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.encoders.pretrained.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'sightline\[lab\]'"):
        open_encoder("hf:google/siglip2-base-patch16-256")


def test_the_list_has_every_way_to_name_an_encoder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    printed = capsys.readouterr().out
    assert all(one.name in printed and one.knows in printed for one in available())
    assert available()[0].name == "storybook"


def test_use_sets_the_librarys_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    library = pytest.importorskip("sightline.store.library", reason="the store is not built yet")
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(tmp_path / "library"))
    assert run("use", "none") == 0
    assert "now uses none" in capsys.readouterr().out
    with library.Library.open(tmp_path / "library") as opened:
        assert opened.fact("encoder") == "none"


def test_use_refuses_a_name_that_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(tmp_path / "library"))
    with pytest.raises(NoSuchEncoder):
        run("use", "colur")
    assert not (tmp_path / "library").exists()


@pytest.mark.slow
def test_export_by_command_tells_the_measured_cosine(tiny, tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnxscript", reason="the exporter needs onnxscript (the lab extra)")
    assert run("export", str(tiny("clip")), str(tmp_path / "out"), "--no-int8") == 0
    measured = json.loads((tmp_path / "out/sightline.json").read_text())["picture_cosine"]
    assert f"pictures {measured:.4f}" in capsys.readouterr().out
    with pytest.raises(NoSuchEncoder, match="is not empty"):
        run("export", str(tiny("clip")), str(tmp_path / "out"))
