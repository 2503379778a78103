"""How secrets of known families look: a line each. Whoever meets a new family adds a line here."""

import re
from dataclasses import dataclass

_WORD = "A-Za-z0-9"


@dataclass(frozen=True)
class Shape:
    """A family of secrets; a text without any of `needles` cannot hold one, and is not searched.

    The pattern's group 1, or all of it, is the secret. Patterns are linear: they begin with a
    literal, hold no quantifier inside another, and their open-ended runs are possessive.
    """

    family: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    sure: bool = True  # else it is one only if the match looks like a secret's path


def _prefixed(family: str, prefixes: str, rest: str) -> Shape:
    """Return a family known by what its secrets begin with: prefixes, a blank between two."""
    needles = tuple(prefixes.split())
    heads = "|".join(map(re.escape, needles))
    return Shape(family, needles, re.compile(rf"(?<![{_WORD}])(?:{heads}){rest}"))


_RUN = rf"[{_WORD}_\-]"  # what most of them are made of

SHAPES = (
    _prefixed("aws", "AKIA ASIA AROA AIDA ABIA ACCA", r"[0-9A-Z]{16,20}+"),
    _prefixed("alibaba", "LTAI", rf"[{_WORD}]{{12,30}}+"),
    _prefixed("tencent", "AKID", rf"[{_WORD}]{{28,40}}+"),
    _prefixed("google", "AIza", rf"{_RUN}{{30,}}+"),
    _prefixed("google oauth", "ya29. GOCSPX- 1//0", rf"{_RUN}{{20,}}+"),
    _prefixed("github", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w{30,}+"),
    _prefixed(
        "gitlab",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-",
        r"[\w.\-]{16,}+",
    ),
    _prefixed(
        "slack", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", r"[\w%\-]{8,}+"
    ),
    _prefixed("slack", "xoxe.", r"[\w.\-]{20,}+"),
    _prefixed("openai, anthropic and alike", "sk-", rf"{_RUN}{{20,}}+"),
    _prefixed("stripe", "sk_live_ sk_test_ rk_live_ rk_test_ pk_live_", r"\w{10,}+"),
    _prefixed("webhook signing", "whsec_", rf"[{_WORD}+/=]{{20,}}+"),
    _prefixed("sendgrid", "SG.", r"[\w\-]{16,32}+\.[\w\-]{16,64}+"),
    _prefixed("mailgun", "key-", r"[0-9a-f]{32}"),
    _prefixed("twilio", "SK", r"[0-9a-f]{32}"),
    _prefixed("npm", "npm_", rf"[{_WORD}]{{30,}}+"),
    _prefixed("pypi", "pypi-AgE", rf"{_RUN}{{40,}}+"),
    _prefixed("docker", "dckr_pat_ dckr_oat_", rf"{_RUN}{{20,}}+"),
    _prefixed("digitalocean", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{40,}+"),
    _prefixed("vault", "hvs. hvb. hvr.", rf"{_RUN}{{20,}}+"),
    Shape("terraform", (".atlasv1.",), re.compile(r"\b\w{14}\.atlasv1\.[\w\-]{40,}+")),
    _prefixed("databricks", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _prefixed("shopify", "shpat_ shpss_ shpca_ shppa_", r"[0-9a-fA-F]{32}"),
    _prefixed("square", "sq0atp- sq0csp- sq0idp-", rf"{_RUN}{{20,}}+"),
    Shape("telegram", (":AA",), re.compile(r"(?<!\d)\d{8,11}:AA[\w\-]{30,40}+")),
    _prefixed("atlassian", "ATATT3 ATCTT3 ATBB", r"[\w\-=]{20,}+"),
    _prefixed("linear", "lin_api_ lin_oauth_", rf"[{_WORD}]{{30,}}+"),
    _prefixed("notion", "ntn_ secret_", rf"[{_WORD}]{{40,}}+"),
    _prefixed("grafana", "glsa_ glc_", r"[\w+/=]{28,}+"),
    _prefixed("new relic", "NRAK- NRII- NRJS- NRBR- NRRA-", rf"{_RUN}{{15,}}+"),
    _prefixed("sentry", "sntrys_ sntryu_", r"[\w+/=]{40,}+"),
    _prefixed("planetscale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w.\-]{30,}+"),
    _prefixed("supabase", "sbp_ sb_secret_", r"[\w\-]{20,}+"),
    _prefixed("fly.io", "fm1r_ fm2_ fo1_", r"[\w+/=\-]{30,}+"),
    _prefixed("heroku", "HRKU-", r"[\w\-]{30,}+"),
    _prefixed("hugging face", "hf_ api_org_", r"[A-Za-z0-9]{30,}+"),
    _prefixed("replicate", "r8_", rf"[{_WORD}]{{30,}}+"),
    _prefixed("model providers", "gsk_ xai- pplx- csk- fw_ tgp_v1_", rf"{_RUN}{{20,}}+"),
    _prefixed("age", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}+"),
    _prefixed("doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"[\w.]{40,}+"),
    _prefixed("dynatrace", "dt0c01. dt0s01. dt0s02.", r"[\w.\-]{60,}+"),
    _prefixed("postman", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    _prefixed("rubygems", "rubygems_", r"[0-9a-f]{40,}+"),
    _prefixed("crates.io", "cio", rf"[{_WORD}]{{32}}(?![{_WORD}])"),
    _prefixed("nuget", "oy2", rf"[a-z0-9]{{43}}(?![{_WORD}])"),
    _prefixed("figma", "figd_ figp_", rf"{_RUN}{{30,}}+"),
    Shape("airtable", ("pat",), re.compile(r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{40,}+")),
    _prefixed("buildkite", "bkua_ bkpt_", r"[0-9a-z]{30,}+"),
    _prefixed("circleci", "CCIPAT_ CCIPRJ_", r"\w{30,}+"),
    _prefixed("pulumi", "pul-", r"[0-9a-f]{40}"),
    _prefixed("contentful", "CFPAT-", rf"{_RUN}{{30,}}+"),
    _prefixed("easypost", "EZAK EZTK", rf"[{_WORD}]{{50,}}+"),
    _prefixed("flutterwave", "FLWSECK- FLWSECK_TEST-", r"[\w\-]{12,}+"),
    _prefixed("duffel", "duffel_test_ duffel_live_", r"[\w\-=]{30,}+"),
    _prefixed("tailscale", "tskey-", r"[\w\-]{20,}+"),
    _prefixed("cloudflare", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{100,}+"),
    _prefixed("facebook", "EAA", rf"[{_WORD}]{{60,}}+"),
    Shape("azure", ("8Q~", "7Q~"), re.compile(r"(?<![\w~])[\w~.\-]{3}[78]Q~[\w~.\-]{30,36}+")),
    Shape(
        "json web token",
        ("eyJ",),
        re.compile(r"(?<![\w\-])eyJ[\w\-]{8,}+\.[\w\-]{4,}+(?:\.[\w\-]++)?(?:\.[\w\-.]++)?"),
    ),
    # Places to post to that know no other proof than their own path.
    Shape(
        "webhook",
        ("hooks.slack.com", "webhook.office.com", "chat.googleapis.com", "outlook.office.com"),
        re.compile(
            r"(?:hooks\.slack\.com|webhook\.office\.com|chat\.googleapis\.com|outlook\.office\.com)"
            r"/([^\s\"'<>\\`]{8,}+)"
        ),
    ),
    Shape(
        "webhook",
        ("hook", "/bot", "/integration/", "/incoming/", "/services/T"),
        re.compile(
            r"(?i)/(?:[\w\-]{0,20}hooks?|bot(?=\d)|integration|incoming|services)/?"
            r"([^\s\"'<>\\`]{12,}+)"
        ),
        sure=False,
    ),
    # Ways to log in that are written beside the name of who logs in.
    Shape(
        "mysql dsn",
        ("@tcp(", "@unix("),
        re.compile(r"(?<![\w.:])[\w.\-]{1,64}+:(\S{1,200}?)@(?:tcp|unix)\("),
    ),
    Shape(
        "curl",
        ("-u ", "--user ", "-u=", "--user="),
        re.compile(r"(?<!\S)(?:-u|--user)[ =]{1,3}[\"']?[^\s:\"']{1,64}+:([^\s\"']++)"),
    ),
    Shape(
        "netrc",
        ("password ", "passwd "),
        re.compile(r"(?i)\blogin\s{1,4}\S{1,64}+\s{1,4}passw(?:or)?d\s{1,4}(\S++)"),
    ),
    Shape(
        "sql",
        ("IDENTIFIED", "identified", "PASSWORD", "password"),
        re.compile(r"(?i)\b(?:identified by|password)\s{1,3}'([^'\n]{3,}+)'"),
    ),
    Shape(
        "command line",
        ("mysql", "mariadb", "sshpass", "redis-cli", "docker login", "mongo"),
        re.compile(
            r"(?<![\w\-])(?:mysql|mariadb|sshpass|redis-cli|docker login|mongo)[^\n|;]{0,120}?"
            r"\s(?:-p|-a|--pass)[ =]?[\"']?([^\s\"'\-][^\s\"']{2,}+)"
        ),
    ),
    Shape(
        "in words",
        ("assword is", "assword was", "ecret is", "oken is", "assword:", "ey is"),
        re.compile(
            r"(?i)\b(?:password|secret|token|key) (?:is|was)[: ]{1,3}[\"'`]?"
            r"((?=[^\s\"'`]{0,40}[\d!@#$%^&*])[^\s\"'`]{6,}+)"
        ),
    ),
    Shape(
        "authorization scheme",
        ("earer ", "EARER ", "asic ", "ASIC ", "igest ", "pikey ", "piKey ", "oken "),
        re.compile(
            r"(?i)\b(?:bearer|basic|apikey|token)[ :]{1,3}[\"']?"
            r"((?=[\w.~+/\-]{0,60}(?:\d|(?-i:[a-z][A-Z])|=))[^\s\"'`<>\\,;]{12,}+)"
        ),
    ),
)
