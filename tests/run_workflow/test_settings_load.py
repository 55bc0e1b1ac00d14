"""Settings: what beats what, what is refused and how, and what is never shown."""

import os
import tempfile
from pathlib import Path

import pytest

from run_workflow import settings as module
from run_workflow.doctor import setting_values
from run_workflow.setting_places import default_file, default_home
from run_workflow.settings import load_settings, setting_rows
from state.errors import SetupError


@pytest.fixture(autouse=True)
def no_own_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The configuration folder of whoever runs the tests is not looked at."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


def file_with(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment that names a settings file with this text."""
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return {"STRETTO_SETTINGS": str(path)}


def test_defaults_need_nothing() -> None:
    """Without any setting the extractive model is used, and the account's name."""
    settings = load_settings({})
    assert (settings.default_model, settings.models, settings.providers) == ("extractive", {}, {})
    assert (settings.database_url, settings.web, settings.log_level) == (None, None, "warning")
    assert settings.home == default_home()
    assert settings.actor
    assert settings.file is None


def test_the_file_in_the_configuration_folder_is_found(tmp_path: Path) -> None:
    """Without STRETTO_SETTINGS the file of the configuration folder counts."""
    path = default_file()
    path.parent.mkdir(parents=True)
    path.write_text('actor = "ann"', encoding="utf-8")
    settings = load_settings({})
    assert (settings.actor, settings.file) == ("ann", path)


WHOLE = """
home = "~/data"
database_url = "postgresql://u:hush-0@h/d"
actor = "ann"
log_level = "info"
web = "http://127.0.0.1:8888"

[models]
default = "local/small"
writer = "openai/gpt-5"
fallback = ["local/other"]
cheaper = "local/tiny"

[providers.local]
base_url = "http://127.0.0.1:8080/v1"
api_key_env = "LOCAL_KEY"
timeout_seconds = 5
requests_per_minute = 60
tokens_per_minute = 90000
concurrent_requests = 2
max_output_tokens = 700
stream = true

[prices."local/small"]
input = 0.1
output = 0.4
"""


def test_the_whole_file(tmp_path: Path) -> None:
    """Every key of the file is read."""
    settings = load_settings({**file_with(tmp_path, WHOLE), "LOCAL_KEY": "k", "OPENAI_API_KEY": "o"})
    assert settings.home == tmp_path / "data"
    assert settings.database.url == "postgresql://u:hush-0@h/d"
    assert (settings.actor, settings.log_level, settings.web) == ("ann", "info", "http://127.0.0.1:8888")
    assert settings.default_model == "local/small"
    assert (settings.models, settings.fallback_models) == ({"writer": "openai/gpt-5"}, ("local/other",))
    assert settings.cheaper_model == "local/tiny"
    assert settings.price_table() == {"local/small": (0.1, 0.4)}
    local = settings.model_providers()["local"]
    assert (local.base_url, local.api_key, local.timeout_seconds) == ("http://127.0.0.1:8080/v1", "k", 5.0)
    assert (local.requests_per_minute, local.tokens_per_minute, local.concurrent_requests) == (60, 90_000, 2)
    assert (local.max_output_tokens, local.stream) == (700, True)
    assert settings.model_providers()["openai"].api_key == "o"


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    """A variable that is set wins over the file; one that is empty counts as not set."""
    environ = {
        **file_with(tmp_path, WHOLE),
        "STRETTO_HOME": str(tmp_path / "other"),
        "DATABASE_URL": "postgresql://x/y",
        "STRETTO_MODEL": "openai/gpt-5-mini",
        "STRETTO_MODEL_WRITER": "openai/gpt-5-nano",
        "STRETTO_MODEL_CRITIC": "extractive",
        "STRETTO_WEB": "https://search.example",
        "STRETTO_LOG": "DEBUG",
        "STRETTO_USER": "",
        "OPENAI_BASE_URL": "http://127.0.0.1:9999/v1",
    }
    settings = load_settings(environ)
    assert settings.home == tmp_path / "other"
    assert settings.database.url == "postgresql://x/y"
    assert settings.default_model == "openai/gpt-5-mini"
    assert settings.models == {"writer": "openai/gpt-5-nano", "critic": "extractive"}
    assert (settings.web, settings.log_level) == ("https://search.example", "debug")
    assert settings.actor == "ann"
    assert settings.model_providers()["openai"].base_url == "http://127.0.0.1:9999/v1"


def test_the_embedding_model_is_named(tmp_path: Path) -> None:
    """In the file or in the environment, which counts before it; none is named by itself."""
    said = file_with(tmp_path, "embeddings = 'openai/text-embedding-3-small'")
    assert load_settings(said).embeddings == "openai/text-embedding-3-small"
    assert load_settings({**said, "STRETTO_EMBEDDINGS": "minilm"}).embeddings == "minilm"
    assert load_settings({}).embeddings is None


def test_keys_of_hosted_providers_are_found() -> None:
    """The usual variable of a provider that LangChain knows is enough."""
    settings = load_settings({"ANTHROPIC_API_KEY": "a", "GOOGLE_API_KEY": "g"})
    keys = {name: provider.api_key for name, provider in settings.model_providers().items()}
    assert keys == {"anthropic": "a", "google_genai": "g"}


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Neither repr nor str nor a dump of the settings holds a key or a password."""
    settings = load_settings({**file_with(tmp_path, WHOLE), "LOCAL_KEY": "hush-1", "OPENAI_API_KEY": "hush-2"})
    shown = f"{settings!r} {settings} {settings.model_dump(mode='json')} {settings.database!r}"
    for secret in ("hush-0", "hush-1", "hush-2"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("actr = 'ann'", "settings.toml, actr", "no such setting"),
        ("actor = 7", "settings.toml, actor", "string"),
        ("log_level = 'loud'", "settings.toml, log_level", "warning"),
        ("web = 'ftp://x'", "settings.toml, web", "form"),
        ("embeddings = 'bert'", "settings.toml, embeddings", "minilm"),
        ("models = 'x'", "settings.toml, models", "[models]"),
        ("[models]\nboss = 'a/b'", "settings.toml, models.boss", "planner"),
        ("[models]\ndefault = 'gpt'", "settings.toml, models.default", "provider/model"),
        ("[models]\nfallback = 'a/b'", "settings.toml, models.fallback", "tuple"),
        ("[providers]\nlocal = 'x'", "settings.toml, providers.local", "[providers.local]"),
        ("[providers.local]\nbase_url = 'x'", "settings.toml, providers.local.base_url", "http://"),
        ("[providers.local]\nurl = 'x'", "settings.toml, providers.local.url", "no such setting"),
        ("[providers.local]\napi_key = 'k'", "settings.toml, providers.local.api_key", "api_key_env"),
        ("[prices.'a/b']\ninput = -1\noutput = 1", "settings.toml, prices.a/b.input", "US dollars"),
        ("[prices.gpt]\ninput = 1\noutput = 1", "settings.toml, prices.gpt", "provider/model"),
        ("actor = ", "settings.toml", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, place: str, message: str) -> None:
    """The error names the file and the key, and what to write there."""
    with pytest.raises(SetupError) as caught:
        load_settings(file_with(tmp_path, text))
    assert str(caught.value.place).endswith(place)
    assert message.lower() in str(caught.value).lower()
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("STRETTO_LOG", "loud", "warning"),
        ("STRETTO_MODEL", "gpt", "provider/model"),
        ("STRETTO_MODEL_WRITER", "gpt", "provider/model"),
        ("STRETTO_WEB", "search.example", "duckduckgo"),
        ("OPENAI_BASE_URL", "localhost:80", "http://"),
    ],
)
def test_a_wrong_variable_is_refused(variable: str, value: str, message: str) -> None:
    """The error names the variable, and what to write there."""
    with pytest.raises(SetupError) as caught:
        load_settings({variable: value})
    assert caught.value.place == variable
    assert message in str(caught.value)


def test_an_error_does_not_quote_a_secret(tmp_path: Path) -> None:
    """What stands in a wrong place may be a secret: it is not repeated."""
    with pytest.raises(SetupError) as caught:
        load_settings(file_with(tmp_path, "database_url = ['hush']"))
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """STRETTO_SETTINGS that names nothing is an error, a missing default file is none."""
    with pytest.raises(SetupError, match="STRETTO_SETTINGS"):
        load_settings({"STRETTO_SETTINGS": str(tmp_path / "none.toml")})
    with pytest.raises(SetupError, match="cannot be read"):
        load_settings({"STRETTO_SETTINGS": str(tmp_path)})


def test_a_key_that_is_named_must_be_set(tmp_path: Path) -> None:
    """A provider whose api_key_env is not set is refused before it is called without a key."""
    settings = load_settings(file_with(tmp_path, WHOLE))
    with pytest.raises(SetupError, match="Set LOCAL_KEY"):
        settings.check_key("local/small")
    settings.check_key("openai/gpt-5")
    settings.check_key("extractive")


def test_root_gets_a_home_that_the_database_user_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's own data folder is used where others may enter it, and left for another where they may not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("XDG_DATA_HOME", folder)
        own = Path(folder, "stretto")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert default_home() == Path("/var/lib/stretto")
        Path(folder).chmod(0o755)
        assert default_home() == own
        Path(folder).chmod(0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert default_home() == own


def test_every_setting_is_documented() -> None:
    """The table of settings has a row for each field, with a place and a description."""
    rows = {row.name: row for row in setting_rows()}
    assert set(rows) == set(module.Settings.model_fields)
    assert all(row.description and (row.variable or row.key) for row in rows.values())
    assert (rows["home"].variable, rows["home"].key) == ("STRETTO_HOME", "home")
    assert rows["default_model"].default == "extractive"


def test_hosts_folders_and_secrets_of_tools(tmp_path: Path) -> None:
    """From the environment or the file, which names variables only; no secret is shown."""
    text = 'allowed_hosts = ["intranet.example"]\nfolders = ["in"]\n[secrets]\nshop = "SHOP_KEY"\n'
    env = file_with(tmp_path, text)
    settings = load_settings({**env, "SHOP_KEY": "hush-1", "STRETTO_SECRET_HOOK": "hush-2"})
    assert (settings.allowed_hosts, settings.folders) == (("intranet.example",), (Path("in"),))
    assert settings.secret_values() == {"shop": "hush-1", "hook": "hush-2"}
    assert "hush" not in f"{settings!r} {settings.model_dump_json()} {setting_values(settings)}"
    env |= {"STRETTO_ALLOWED_HOSTS": "localhost:8080, [::1]", "STRETTO_FOLDERS": "a, b", "SHOP_KEY": "x"}
    settings = load_settings(env)
    assert (settings.allowed_hosts, settings.folders) == (("localhost:8080", "[::1]"), (Path("a"), Path("b")))


def test_databases_of_tools(tmp_path: Path) -> None:
    """From the environment or the file, and nobody sees an address."""
    text = '[databases.shop]\nurl = "postgresql://u:hush-1@h/d"\n[databases.notes]\nwritable = true\n'
    env = {**file_with(tmp_path, text), "STRETTO_DATABASE_NOTES": "sqlite:///hush-2.sqlite"}
    settings = load_settings({**env, "STRETTO_DATABASE_BOOKS": "duckdb:////b/hush-3.duckdb"})
    named = {each.name: (each.kind, each.writable) for each in settings.named_databases()}
    assert named == {"books": ("duckdb", False), "notes": ("sqlite", True), "shop": ("postgresql", False)}
    shown = f"{settings!r} {settings.model_dump_json()} {setting_values(settings)} {settings.named_databases()}"
    assert "hush" not in shown
    assert next(row.value for row in setting_values(settings) if row.name == "databases") == "books, notes, shop"
    with pytest.raises(SetupError, match=r"databases\.a\.url: .* Write sqlite"):
        load_settings({"STRETTO_DATABASE_A": "mysql://u:hush@h/d"}).named_databases()


@pytest.mark.parametrize(
    ("text", "env", "place"),
    [
        ("[databases.shop]\nwritable = true", {}, "databases.shop"),
        ('[databases.shop]\nurl = "sqlite:///hush"\nfolder = 1', {}, "databases.shop"),
        ('[databases]\nshop = "sqlite:///hush"', {}, "databases.shop"),
        ("", {"STRETTO_DATABASE_A-B": "sqlite:///hush"}, "STRETTO_DATABASE_A-B"),
        ('[secrets]\nshop = "SHOP_KEY"', {}, "secrets.shop"),
        ("[secrets]\nshop = 3", {}, "secrets.shop"),
        ('[secrets]\n"A b" = "SHOP_KEY"', {"SHOP_KEY": "hush"}, "secrets"),
        ('allowed_hosts = ["http://a.example"]', {}, "allowed_hosts"),
        ("", {"STRETTO_ALLOWED_HOSTS": "a b"}, "STRETTO_ALLOWED_HOSTS"),
    ],
)
def test_what_tools_cannot_use_is_refused(tmp_path: Path, text: str, env: dict[str, str], place: str) -> None:
    """With the place, and without the secret."""
    with pytest.raises(SetupError) as raised:
        load_settings({**file_with(tmp_path, text), **env})
    assert place in str(raised.value.place)
    assert raised.value.remedy
    assert "hush" not in str(raised.value)
