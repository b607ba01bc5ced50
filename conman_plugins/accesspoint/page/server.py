"""Answers HTTP: the page, what is submitted, and what phones ask to find out about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from tornado.httputil import HTTPServerRequest

from conman_core.model import Form
from conman_plugins.accesspoint.page import api, form, often, respond, shield
from conman_plugins.accesspoint.page.captive import is_ours
from conman_plugins.accesspoint.page.messages import Answer
from conman_plugins.accesspoint.page.state import Attempt, Problem, State
from conman_plugins.accesspoint.page.view import View
from conman_plugins.accesspoint.page.wire import Wire

_TOLD_LIMIT = 1.0
_ASK_AGAIN = 0.02


class Site:
    """`more_hosts` are names of the device beside those of the state."""

    def __init__(self, wire: Wire, key: bytes, more_hosts: frozenset[str] = frozenset()) -> None:
        self._wire = wire
        self._tokens = shield.Tokens(key)
        self._more_hosts = more_hosts
        self._view = View()
        self._rate = shield.Rate()
        self._submits = often.submits()
        self._tasks: set[asyncio.Task[None]] = set()
        self._submitting = False

    def __call__(self, request: HTTPServerRequest) -> None:
        """Answer a request whose body has come."""
        task = asyncio.ensure_future(self._answer(request))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._answered(task, request))

    def _answered(self, task: asyncio.Task[None], request: HTTPServerRequest) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._wire.fault(error)
            respond.give_up(request)

    async def _answer(self, request: HTTPServerRequest) -> None:
        state = self._wire.state
        client = request.remote_ip or ""
        if state is None:
            respond.as_text(request, 503)
        elif not self._rate.allow(client, time.monotonic()):
            respond.as_text(request, 429)
        elif not is_ours(request.headers.get("Host", ""), self._hosts(state)):
            self._foreign(request, state)
        elif request.method in {"GET", "HEAD"}:
            self._get(request, state, client)
        elif request.method != "POST":
            respond.as_text(request, 405, {"Allow": "GET, HEAD, POST"})
        elif not shield.same_site(request.headers, self._hosts(state)):
            respond.as_text(request, 403)
        else:
            await self._post(request, state, client)

    def _hosts(self, state: State) -> frozenset[str]:
        return self._more_hosts | {state.address, state.portal or state.address}

    def _foreign(self, request: HTTPServerRequest, state: State) -> None:
        """Lead a phone to the page; what would change something is refused (DNS rebinding)."""
        if request.method in {"GET", "HEAD"}:
            respond.as_text(request, 302, {"Location": f"http://{state.address}/"})
        else:
            respond.as_text(request, 403)

    # -- reading

    def _get(self, request: HTTPServerRequest, state: State, client: str) -> None:
        match request.path:
            case "/":
                if request.query != "r":  # the page's own refresh is nobody
                    self._wire.seen()
                self._page(request, state, client)
            case "/api/status":
                token = self._tokens.make(client, api.FORM, time.monotonic())
                respond.as_json(request, 200, api.status(state, _languages(request), token))
            case "/api/networks":
                respond.as_json(request, 200, api.networks(state))
            case _:
                respond.as_text(request, 404)

    def _page(
        self,
        request: HTTPServerRequest,
        state: State,
        client: str,
        problem: Problem | None = None,
        values: Mapping[str, str] | None = None,
    ) -> None:
        now = time.monotonic()
        drivers = [each.driver for each in state.forms]
        tokens = {driver: self._tokens.make(client, driver, now) for driver in [*drivers, "look"]}
        page = self._view.render(
            state, languages=_languages(request), tokens=tokens, problem=problem, values=values
        )
        respond.page(request, page)

    # -- changing

    async def _post(self, request: HTTPServerRequest, state: State, client: str) -> None:
        self._wire.seen()
        match request.path:
            case "/":
                await self._submitted(request, state, client)
            case "/look":
                await self._look(request, state, client)
            case "/api/connect":
                await self._connect(request, state, client)
            case _:
                respond.as_text(request, 404)

    async def _look(self, request: HTTPServerRequest, state: State, client: str) -> None:
        try:
            token = form.pairs(request.body).get("token", "")
        except ValueError:
            respond.as_text(request, 400)
            return
        good = self._tokens.good(token, client, "look", time.monotonic()) and not state.looking
        if good and state.leaves:
            respond.page(request, self._view.looking(state, languages=_languages(request)))
            await _sent(request)
        else:
            respond.as_text(request, 303, {"Location": "/"})
        if good:
            self._wire.look()

    async def _submitted(self, request: HTTPServerRequest, state: State, client: str) -> None:
        try:
            sent = form.pairs(request.body)
        except ValueError:
            respond.as_text(request, 400)
            return
        wanted = form.form_of(state, sent.get("driver", ""))
        if wanted is None:
            respond.as_text(request, 303, {"Location": "/"})
            return
        values, problem = form.checked(form.entered(sent, wanted), wanted)
        if not self._tokens.good(sent.get("token", ""), client, wanted.driver, time.monotonic()):
            problem = Problem(wanted.driver, None, "error.token")
        answer = await self._hand_in(wanted.driver, values, state) if problem is None else None
        if answer is not None and not answer.ok:
            problem = Problem(wanted.driver, answer.field, answer.sentence)
        now = self._wire.state or state
        if problem is not None or answer is None:
            self._page(request, now, client, problem, form.shown(values, wanted))
            return
        attempt = now.attempt or _begun(wanted, values)
        respond.page(request, self._view.trying(now, attempt, languages=_languages(request)))
        await self._leave(request, answer)

    async def _connect(self, request: HTTPServerRequest, state: State, client: str) -> None:
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != respond.JSON:
            respond.as_json(request, 415, {"error": "send application/json"})
            return
        try:
            wish = api.wish(request.body)
        except ValueError as error:
            respond.as_json(request, 400, {"error": str(error)})
            return
        if not self._tokens.good(wish.token, client, api.FORM, time.monotonic()):
            respond.as_json(request, 403, {"error": "get a token from /api/status"})
            return
        wanted = form.form_of(state, wish.driver)
        if wanted is None:
            respond.as_json(request, 404, {"error": "there is no such form"})
            return
        values, problem = form.checked(wish.values, wanted)
        answer = await self._hand_in(wanted.driver, values, state) if problem is None else None
        if answer is not None and not answer.ok:
            problem = Problem(wanted.driver, answer.field, answer.sentence)
        if problem is not None or answer is None:
            respond.as_json(request, 422, api.problem(problem, _languages(request)))
            return
        respond.as_json(
            request, 202, {"accepted": True, "leaves": (self._wire.state or state).leaves}
        )
        await self._leave(request, answer)

    async def _hand_in(self, driver: str, values: Mapping[str, str], state: State) -> Answer:
        trying = state.attempt is not None and state.attempt.phase == "trying"
        if trying or self._submitting:
            return Answer(0, ok=False, sentence="error.busy")
        if not self._submits.allow(time.monotonic()):
            return Answer(0, ok=False, sentence="error.often")
        self._submitting = True
        try:
            return await self._wire.submit(driver, values)
        finally:
            self._submitting = False

    async def _leave(self, request: HTTPServerRequest, answer: Answer) -> None:
        """Tell the daemon when the answer has reached the phone: then the radio may go."""
        await _sent(request)
        self._wire.told(answer.id)


async def _sent(request: HTTPServerRequest) -> None:
    """Wait until the other side has acknowledged the whole answer; not for ever."""
    stream = getattr(request.connection, "stream", None)
    loop = asyncio.get_running_loop()
    end = loop.time() + _TOLD_LIMIT
    while stream is not None and not stream.closed() and loop.time() < end:
        if not stream.writing() and not respond.unsent(stream.socket.fileno()):
            break
        await asyncio.sleep(_ASK_AGAIN)


def _begun(wanted: Form, values: Mapping[str, str]) -> Attempt:
    """Return a try of which the daemon has not told yet: named without secrets."""
    title = form.shown(values, wanted).get(wanted.fields[0].name, "") if wanted.fields else ""
    return Attempt(0, wanted.driver, title or wanted.driver, {}, "trying", None, "")


def _languages(request: HTTPServerRequest) -> str:
    return request.headers.get("Accept-Language", "")
