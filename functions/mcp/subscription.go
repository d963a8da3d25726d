package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Watched returns the resource or template with f, which tells when one changes. Clients of
// revision 2026-07-28 may wait for that on a stream (subscriptions/listen); f runs for each
// of them until its context ends, calls changed whenever the resource at uri did, and asks
// whoever knows: a database, a queue. An error is logged, and ends it. Older revisions would
// need a session to be told: they may subscribe, and read again when they please.
func (p Part) Watched(f func(ctx context.Context, c Caller, uri string, changed func()) error) Part {
	p.watch = f
	return p
}

// ListsChanged lets the streams of this process look at once whether what their callers may see
// has changed. Those of other processes do so in their own time.
func (d Deps) ListsChanged() {
	if d.lists != nil {
		d.lists.notify()
	}
}

// A bell wakes all who wait for it.
type bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns what is closed at the next notify.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// A subscription is one subscriptions/listen under way (SUB-01). The SDK has one too, which tells
// every subscriber of a server alike; what may be seen differs here by the caller, and
// servers are many. It stands in the SDK's place and writes its events beside it.
type subscription struct {
	*handler
	caller Caller
	id     json.RawMessage
	agreed sdk.NotificationSubscriptions
	answer *answer
}

type subscriptionContext struct{}

// listened answers subscriptions/listen. Without a subscription, on a transport that is not ours,
// it is the SDK's.
func listened(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		params, ok := req.GetParams().(*sdk.SubscriptionsListenParams)
		if !ok {
			return next(ctx, method, req)
		}
		s, ok := ctx.Value(subscriptionContext{}).(*subscription)
		if !ok {
			return next(ctx, method, req)
		}
		if params.Notifications == nil {
			return nil, invalidParams("the member notifications is missing")
		}
		if err := s.listen(ctx, params.Notifications); err != nil {
			return nil, err
		}
		return &sdk.SubscriptionsListenResult{Meta: s.meta()}, nil
	}
}

// maxWatched is how many resources one stream tells of. Each costs a run of an author's
// function for as long as the stream lasts, and a message has room for some ten thousand.
const maxWatched = 100

// listen agrees to what there is of the wanted, says so first, and tells of it until the
// context ends.
func (s *subscription) listen(ctx context.Context, want *sdk.NotificationSubscriptions) error {
	view := s.catalogue.of(&s.caller)
	lists := s.about.ListsChange
	s.agreed = sdk.NotificationSubscriptions{
		ToolsListChanged:     lists && want.ToolsListChanged,
		PromptsListChanged:   lists && want.PromptsListChanged,
		ResourcesListChanged: lists && want.ResourcesListChanged,
	}
	watches := map[string]watch{}
	for _, uri := range want.ResourceSubscriptions {
		if len(watches) == maxWatched {
			break
		}
		w, scopes := view.watchOf(uri)
		if w == nil || watches[uri] != nil || !oauth.Scopes(scopes).Within(s.caller.Scopes) {
			continue
		}
		watches[uri] = w
		s.agreed.ResourceSubscriptions = append(s.agreed.ResourceSubscriptions, uri)
	}
	s.tell("subscriptions/acknowledged", &sdk.SubscriptionsAcknowledgedParams{Meta: s.meta(), Notifications: s.agreed})
	var watching sync.WaitGroup
	defer watching.Wait()
	for uri, w := range watches {
		watching.Go(func() { s.watch(ctx, uri, w) })
	}
	if len(watches) > 0 || s.agreed.ToolsListChanged || s.agreed.PromptsListChanged || s.agreed.ResourcesListChanged {
		s.follow(ctx, view)
	}
	return nil
}

// watch runs an author's function, and survives it.
func (s *subscription) watch(ctx context.Context, uri string, w watch) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.LogAttrs(ctx, slog.LevelError, "watching panicked", slog.String("resource", short(uri)),
				slog.String(telemetry.StackKey, fmt.Sprintf("panic: %v\n%s", p, debug.Stack())))
		}
	}()
	err := w(ctx, s.caller, uri, func() {
		s.tell("resources/updated", &sdk.ResourceUpdatedNotificationParams{Meta: s.meta(), URI: uri})
	})
	if err != nil && ctx.Err() == nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "watching failed",
			slog.String("resource", short(uri)), slog.Any("error", err))
	}
}

// follow tells of changed lists, and keeps the connection from looking idle.
func (s *subscription) follow(ctx context.Context, last *view) {
	tick := time.NewTicker(max(s.RevocationMaxAge, time.Second))
	defer tick.Stop()
	for {
		rung := s.catalogue.deps.lists.wait()
		if s.about.ListsChange {
			now := s.catalogue.of(&s.caller)
			s.compare(last, now)
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-rung:
		case <-tick.C:
			s.answer.keepAlive()
		}
	}
}

// compare tells which lists differ, of those that the client asked about.
func (s *subscription) compare(a, b *view) {
	if a.seen == b.seen {
		return
	}
	changed := map[kind]bool{}
	for _, pair := range [][2]*view{{a, b}, {b, a}} {
		for n := range pair[0].scopes {
			if _, ok := pair[1].scopes[n]; !ok {
				changed[n.kind] = true
			}
		}
	}
	if changed[tool] && s.agreed.ToolsListChanged {
		s.tell("tools/list_changed", &sdk.ToolListChangedParams{Meta: s.meta()})
	}
	if changed[prompt] && s.agreed.PromptsListChanged {
		s.tell("prompts/list_changed", &sdk.PromptListChangedParams{Meta: s.meta()})
	}
	if (changed[resource] || changed[template]) && s.agreed.ResourcesListChanged {
		s.tell("resources/list_changed", &sdk.ResourceListChangedParams{Meta: s.meta()})
	}
}

// meta marks what belongs to this subscription.
func (s *subscription) meta() sdk.Meta { return sdk.Meta{sdk.MetaKeySubscriptionID: s.id} }

// tell sends a notification.
func (s *subscription) tell(method string, params any) {
	text, err := json.Marshal(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", "notifications/" + method, params})
	if err != nil {
		s.Log.Error("a notice was not sent", "method", method, "error", err) // it is made of our own words
		return
	}
	_ = s.answer.notify(text) // who left hears nothing; the context says so too
}

// subscribed takes resources/subscribe of older revisions for what is watched (LEG-03: there
// is no stream to tell them on, so that it is not offered).
func (v *view) subscribed(_ context.Context, req *sdk.SubscribeRequest) error {
	if w, _ := v.watchOf(req.Params.URI); w == nil {
		return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "there is no such resource to subscribe to"}
	}
	return nil
}

// promised takes back, from clients with a handshake, what is promised of streams: they would
// wait for a GET stream, which there is none of.
func promised(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		if init, ok := res.(*sdk.InitializeResult); ok && err == nil && init.Capabilities != nil {
			c := init.Capabilities
			if c.Tools != nil {
				c.Tools.ListChanged = false
			}
			if c.Prompts != nil {
				c.Prompts.ListChanged = false
			}
			if c.Resources != nil {
				c.Resources.ListChanged, c.Resources.Subscribe = false, false
			}
		}
		return res, err
	}
}
