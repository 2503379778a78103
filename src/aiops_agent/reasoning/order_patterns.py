"""What orders to a model look like: patterns, read by `orders.py`. All of them are linear.

They hold bounded gaps only, and a text is cut before it is read.
"""

import re

_GAP = r"[^\n]{0,50}?"

# One of these is enough: nobody writes so to people or to a file.
_PLAIN = {
    "tells to ignore its instructions": (
        rf"\b(?:ignore|disregard|forget|override|overrule|bypass|do not follow|don't follow|stop following"
        rf"|pay no attention to|set aside|discard)s?\b{_GAP}\b(?:previous|prior|above|earlier|preceding|your|system"
        rf"|original|initial|existing|safety|all other|any other|former|foregoing|given)\b{_GAP}\b(?:instruct|rule|prompt|guideline|polic"
        r"|constraint|direction|directive|command|guardrail|restriction|training|programming|briefing)"
    ),
    "tells to ignore what stands above": (
        r"\b(?:ignore|disregard|forget) (?:all (?:of )?)?(?:everything|anything|what(?:ever)? (?:you|was)|(?:the )?(?:text|message|prompt|"
        r"instructions?|rules)) (?:above|before|so far|you (?:were|have been|know)|said|told|until now)"
    ),
    "speaks to a model": (
        r"\b(?:attention|note|notice|message|memo|hint|instructions?|important|hello|dear|hey|hi)\b"
        r"[ ,:!-]{0,3}(?:to|for)?[ ]?(?:the |any |all |our |an? )?(?:ai|llm|language model|assistant|chat ?bot|copilot|gpt|gemini|claude|"
        r"sre agent|ops agent|aiops|ai agent|ai model|automation agent|autonomous agent|remediation agent|planner|planning agent|critic|triage agent)s?\b"
    ),
    "gives a model a role": (
        r"\b(?:you are now|from now on,? you|you will now|act as|pretend (?:to be|you)|you are no longer|imagine you are|assume the role|"
        r"your new (?:role|task|goal|objective|instructions?|orders?|identity) (?:is|are|:)|new (?:system )?(?:instructions?|prompt|orders)(?: for you)?:)"
        rf"{_GAP}\b(?:ai|assistant|agent|model|admin\w*|root|dan|developer mode|unrestricted|operator|sre|bot|jailb\w+|you|must|obey|without|"
        r"restart|delete|approve|scale|roll|system)\b"
    ),
    "asks for a model's prompt": (
        r"\b(?:reveal|print|show|repeat|output|dump|leak|disclose|tell me|send|write out|recite)\b"
        rf"{_GAP}\b(?:system prompt|your (?:initial |hidden |full |secret )?(?:prompt|instructions|guidelines|system message)|hidden instructions|initial instructions)"
    ),
    "imitates a chat": (
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)[_-]?(?:prompt|message|instructions?)?>"
        r"|<(?:start|end)_of_turn>|(?:^|\\n|\n|---|###|\*\*|\]\]?)\s{0,3}#{0,4} ?\[?(?:system|assistant|developer)(?: (?:message|prompt|override|instruction|note))?\]?[*\]]{0,3}:\*{0,2} {0,3}"
        r"(?:you|ignore|disregard|forget|new|please|the user|user has|from now|override|approve|restart|delete|i (?:will|am|have)|always|never|do not|all)"
        r"|(?:###|\*\*) ?(?:new )?(?:instructions?|system|response|human|task)(?: for (?:the )?(?:ai|agent|assistant|model))? ?:"
        r"|\bend of (?:log|data|untrusted|context|input|telemetry|document|user)\w*(?: (?:data|text|input|lines?|section))?\b[^\n]{0,20}?\b(?:instruction|system|now|new|begin)\w*"
    ),
    "says that approval is not needed": (
        r"\b(?:no|without|skip|skips|skipping|bypass|waive|omit|not? (?:wait|ask)(?:ing)?(?: for)?|don't (?:wait|ask)(?: for)?)\b (?:any |the |a |for |further |human |manual |needing |requiring |waiting for |asking (?:for )?)*"
        r"(?:approval|human approval|confirmation|permission|human review|sign-off|person|operator|critic|policy check)s?\b"
        r"(?=[^\n]{0,80}\b(?:you|agent|assistant|ai|model|plan|proceed|execute|restart|delete|scale|roll|apply|immediately|action|remediat\w*)\b)"
        r"|\b(?:pre-?approved|already approved|approved in advance|approval (?:is |has been )?(?:granted|given|waived|not (?:needed|required)|unnecessary))\b"
        r"(?=[^\n]{0,80}\b(?:you|agent|assistant|ai|model|proceed|execute|restart|delete|scale|roll|immediately|go ahead)\b)"
        r"|\b(?:critic|reviewer|verifier|approver)s?\b (?:must|should|shall|will|has to|:|,) ?(?:always |not |never |please )*(?:agree|approve|accept|pass|object|allow|stay silent|say)"
    ),
    "dictates an answer": (
        r"\b(?:respond|reply|answer|output|return|say|write|conclude|report|state|choose|select|pick|propose|recommend|set|rate|mark|classify|declare)\b (?:only |just |exactly |that |back )*"
        r"(?:with |the |this |it |as |a |your |to |in )*(?:\"|'|`|\{|following|json|action|remedy|plan|diagnosis|verdict|confidence|severity|root cause|cause|tool|incident|answer|hypothesis|option|candidate)"
        r"(?=[^\n]{0,100}\b(?:and nothing else|only|regardless|no matter|instead of|you must|do not (?:mention|tell|explain|look|investigate|consider)|without (?:looking|checking|investigating)|restart|rollback|roll back|scale|delete|approved|false positive|resolved|dismiss\w*|100 ?%|high|certain)\b)"
    ),
    "orders by the way of a tool": (
        r"\b(?:call|use|invoke|run|execute|trigger)\b (?:the |your |this |a )*(?:[\w.\-`'\"]{1,40} )?(?:tool|function|action|plan|remediation|runbook)\b"
        r"(?=[^\n]{0,100}\b(?:immediately|now|with (?:arguments?|args|parameters?|target|namespace)|on (?:all|every|the)|at once|without|before (?:anything|you)|first|you)\b)"
    ),
    "asks to be left out": (
        r"\b(?:do not|don't|never) (?:flag|report|escalate|mention|include|alert on|discuss|summari[sz]e) (?:this|it|these|that|any of this|in (?:the |your )?(?:summary|report|output|diagnosis))\b"
        r"|\b(?:exclude|omit|leave out|drop|remove|hide)d? (?:this |it |these |from )*(?:event |line |entry )?from (?:the |your |any )?(?:\w+[ -]){0,2}(?:summary|report|output|diagnosis|analysis|findings)\b"
        r"|\b(?:mark|classify|treat|report|record|rate|label) (?:this |it |these |the )*(?:\w+ ){0,2}(?:as )?(?:an? )?(?:benign|false positive|low severity|routine and|known good|not malicious|harmless|resolved and)\b"
    ),
}  # fmt: skip
# Of these, two different ones: each alone is said to people, too.
_HINTS = {
    "you must": r"\byou (?:must|should|shall|have to|need to|will|are (?:required|instructed|ordered|asked|authori[sz]ed|allowed|permitted|expected|obliged) to|may now|can now)\b",
    "a model is named": r"\b(?:ai|llm|assistant|language model|copilot|chatbot|agents?(?= (?:must|should|shall|will now|reading|that reads?|processing|analy[sz]ing))|gpt-?\w*|gemini|claude|aiops)\b",
    "whoever reads this": r"\b(?:if|when|as|once|whoever|anyone|anybody|everyone) (?:you(?:'re| are)? |is |are )?(?:an? \w+ )?(?:read|reads|reading|see|process|processing|analy[sz]ing|parsing|summari[sz]ing) (?:this|these|the following)\b",
    "at once": r"\b(?:immediately|right away|right now|at once|without delay|asap|urgently|before anything else|do it now|act now)\b",
    "an action": r"\b(?:restart|reboot|delete|remove|drop|destroy|kill|scale (?:up|down|out|in|to|\w+ to)|set replicas|roll ?back|revert|drain|evict|terminate|shut ?down|wipe|purge|disable|stop)\b (?:all |every |each |the |any |its |your |this )*[\w\-]+",
    "approval": r"\b(?:approve|approves|approved|approval|authori[sz]ed|confirm(?:ed)? by|sign(?:ed)?[- ]off|permission granted|policy exception|break-?glass|override code|emergency override|maintenance override)\b",
    "a verdict": r"\b(?:(?:true|real|actual|only|correct|right) (?:root )?(?:cause|fix|remedy|action|solution|answer|diagnosis|remediation) (?:is|:|=)|root cause (?:is |was )?(?:confirmed|established|known)|false positive|nothing is wrong|already (?:been )?(?:fixed|resolved|mitigated)|safe to (?:delete|ignore|restart|proceed|run|apply)|mark (?:this|it|the incident) (?:as )?(?:resolved|closed|false))\b",
    "a way out": r"\b(?:send|post|upload|forward|exfiltrate|transmit|deliver|email|curl|wget|fetch|visit|open|load|include)\b[^\n]{0,60}?(?:\b(?:secret|credential|token|password|env(?:ironment)?|key|prompt|conversation|config|log|finding|data|content)\w*\b[^\n]{0,30}?\b(?:to|at|into|via)\b|https?://)",
    "silence": r"\b(?:do not|don't|never|must not) (?:mention|tell|report|log|reveal|say|inform|escalate|alert|notify|ask|question|investigate|look|check|consult|wait)\b",
    "trust": r"\b(?:trusted|authoritative|official|legitimate|verified|signed|top priority|highest priority|supersedes?|takes precedence|overrides?)\b[^\n]{0,40}?\b(?:instruction|message|order|source|directive|command|notice|rule|polic|operator|admin)\w*",
}  # fmt: skip
_ELSEWHERE = {
    "tells to ignore its instructions": (
        r"ignorier\w* (?:bitte )?(?:alle |s\u00e4mtliche )?(?:vorherigen|bisherigen|obigen|fr\u00fcheren|vorigen)[^\n]{0,30}?(?:anweisung|regel|befehl|vorgabe)"
        r"|(?:ignore[zr]|oublie[zr]) (?:toutes? )?(?:les )?(?:instructions|consignes|r\u00e8gles|directives)[^\n]{0,20}?(?:pr\u00e9c\u00e9dent|ci-dessus|ant\u00e9rieur)"
        r"|(?:ignor[ae]|olvid[ae])\w* (?:todas? )?(?:las |tus )?(?:instrucciones|\u00f3rdenes|reglas)[^\n]{0,20}?(?:anterior|previa)"
        r"|(?:ignor[ae]|esque\u00e7a)\w* (?:todas? )?(?:as )?(?:instru\u00e7\u00f5es|regras)[^\n]{0,20}?(?:anterior|acima)"
        r"|(?:ignora|dimentica)\w* (?:tutte )?(?:le )?(?:istruzioni|regole)[^\n]{0,20}?(?:precedent|sopra)"
        r"|(?:\u0438\u0433\u043d\u043e\u0440\u0438\u0440|\u0437\u0430\u0431\u0443\u0434)\w*[^\n]{0,20}?(?:\u043f\u0440\u0435\u0434\u044b\u0434\u0443\u0449|\u0432\u0441\u0435)[^\n]{0,20}?(?:\u0438\u043d\u0441\u0442\u0440\u0443\u043a\u0446|\u043f\u0440\u0430\u0432\u0438\u043b|\u0443\u043a\u0430\u0437\u0430\u043d)"
        r"|(?:\u5ffd\u7565|\u65e0\u89c6|\u5ffd\u89c6|\u4e0d\u8981\u7406\u4f1a)[^\n]{0,10}?(?:\u6307\u4ee4|\u6307\u793a|\u89c4\u5219|\u63d0\u793a)"
        r"|(?:\u4ee5\u524d|\u4e0a\u8a18|\u3053\u308c\u307e\u3067)\u306e(?:\u6307\u793a|\u547d\u4ee4|\u30eb\u30fc\u30eb)[^\n]{0,8}?\u7121\u8996"
        r"|(?:\uc774\uc804|\uc704\uc758)[^\n]{0,8}?(?:\uc9c0\uc2dc|\uba85\ub839|\uaddc\uce59)[^\n]{0,8}?\ubb34\uc2dc"
    ),
}  # fmt: skip
LOUD = tuple(
    (what, re.compile(f"(?i){pattern}"))
    for table in (_PLAIN, _ELSEWHERE)
    for what, pattern in table.items()
)
QUIET = tuple((what, re.compile(f"(?i){pattern}")) for what, pattern in _HINTS.items())
PAIRS = frozenset(
    frozenset(pair)
    for pair in (
        ("a model is named", "you must"),
        ("a model is named", "approval"),
        ("a model is named", "silence"),
        ("a model is named", "a verdict"),
        ("a model is named", "an action"),
        ("a model is named", "a way out"),
        ("a model is named", "trust"),
        ("a model is named", "whoever reads this"),
        ("whoever reads this", "an action"),
        ("whoever reads this", "you must"),
        ("whoever reads this", "approval"),
        ("whoever reads this", "a way out"),
        ("you must", "approval"),
        ("silence", "approval"),
        ("silence", "an action"),
        ("a verdict", "silence"),
        ("a verdict", "you must"),
        ("trust", "an action"),
        ("trust", "you must"),
    )
)
LOOKS_LIKE = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u03bf\u03b1\u03b5\u03b9\u03c1\u03c5\u0410\u0415\u041e\u0420\u0421\u0425\u0406\u041a\u041c\u041d\u0422\u0412",
        "aeopcyxijshdqoaeipuAEOPCXIKMHTB",
        strict=True,
    )
)  # letters of other scripts that look like ours
# One of these is in every text that a pattern above can match: all that a clean line costs. Plain
# words, as one pattern of so many alternatives takes twenty times as long.
_TRIGGERS = (
    *("ignor", "disregard", "forget", "overrid", "overrul", "bypass", "you", "assistant", "llm"),
    *("agent", "model", "approv", "instruct", "prompt", "<|", "inst]", "<<", "system", "critic"),
    *("respond", "reply", "answer", "precedence", "root cause", "safe to", "do not", "don't"),
    *("never", "gpt", "claude", "gemini", "copilot", "aiops", "act as", "pretend", "benign"),
    *("false positive", "harmless", "summary", "report", "output", "###", "_of_turn"),
)
_AI = re.compile(r"\bai\b")


def may_order(text: str) -> bool:
    """Say whether a text is worth a closer look."""
    low = text.lower()
    return not text.isascii() or any(word in low for word in _TRIGGERS) or bool(_AI.search(low))
