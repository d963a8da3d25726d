package cimd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/dial"
	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Limits of all fetches together (SF-11).
const (
	// maxDocuments bounds each of the two caches, in documents of at most 16 KiB, twice.
	maxDocuments = 128
	// A source may have a host asked sourceBurst times at once and once more every
	// sourceEvery; all sources of a network networkBurst times and every networkEvery, and
	// all sources together hostBurst times and every hostEvery. A document that was good
	// before is asked for again all the same.
	sourceBurst  = 20
	sourceEvery  = 2 * time.Second
	networkBurst = 40
	networkEvery = time.Second
	hostBurst    = 100
	hostEvery    = 200 * time.Millisecond
	maxKeys      = 10_000
)

// Options sets a [Fetcher]. All may be left out.
type Options struct {
	Allow Allow
	Log   *slog.Logger     // nil discards
	Now   func() time.Time // nil means time.Now
}

// A Fetcher knows the documents of clients. It is safe for concurrent use. A nil Fetcher
// has none.
type Fetcher struct {
	allow Allow
	log   *slog.Logger
	now   func() time.Time

	outside, local           *http.Client                // for public addresses, and for our own machine's
	strangers                *recent.Cache[ID, entry]    // documents that anybody may have us read
	proven                   *recent.Cache[ID, entry]    // and those of clients that completed a sign-in
	completed                *recent.Cache[ID, struct{}] // which clients did
	sources, networks, hosts *limit.Limiter
	flight                   singleflight.Group
	slots                    *slots
}

// An entry is a document that was good when it was fetched. It is never changed.
type entry struct {
	Document
	etag   string
	fresh  time.Time // until then it is used unasked
	usable time.Time // until then it is used if its host is down
}

// New returns a Fetcher with an empty cache. It dials nothing yet.
func New(o Options) *Fetcher {
	f := &Fetcher{
		allow: o.Allow, log: defaults.Log(o.Log), now: defaults.Now(o.Now),
		outside: newClient(dial.Public, nil, nil), local: newClient(dial.Loopback, nil, nil),
		strangers: recent.New[ID, entry](maxDocuments), proven: recent.New[ID, entry](maxDocuments),
		completed: recent.New[ID, struct{}](8 * maxDocuments),
		slots:     newSlots(),
	}
	bucket := func(burst int, every time.Duration) *limit.Limiter {
		return limit.New(limit.Options{Burst: burst, Every: every, MaxKeys: maxKeys, Now: f.now})
	}
	f.sources, f.networks = bucket(sourceBurst, sourceEvery), bucket(networkBurst, networkEvery)
	f.hosts = bucket(hostBurst, hostEvery)
	return f
}

// Client returns the document of a client: from the cache while it is fresh, else
// fetched, and from the cache all the same while its host is down. Failures are not
// remembered. Source is who asks, as limits count them (edge.ClientKey). The error is a
// [*Problem], or the context's.
func (f *Fetcher) Client(ctx context.Context, id ID, source string) (Document, error) {
	switch {
	case f == nil || f.allow.Off():
		const says = "this server does not take clients that publish their metadata"
		return Document{}, &Problem{Kind: Refused, Host: id.host, Says: says}
	case !f.allow.has(id.name):
		says := "this server does not take clients of " + id.host
		return Document{}, &Problem{Kind: Refused, Host: id.host, Says: says}
	}
	kept, ok := f.kept(id)
	if ok && f.now().Before(kept.fresh) {
		return kept.Document, nil
	}
	e, err := f.ask(ctx, id, kept, source)
	if err != nil && ok && outage(err) && f.now().Before(kept.usable) {
		f.log.LogAttrs(ctx, slog.LevelWarn, "an older client metadata document is used",
			slog.String("host", id.host), slog.String("cause", err.Error()))
		return kept.Document, nil
	}
	return e.Document, err
}

// Completed tells that a sign-in of the client came to its end, so that what strangers
// have us read does not push its document out.
func (f *Fetcher) Completed(id ID) {
	if f == nil {
		return
	}
	f.completed.Put(id, struct{}{})
	if e, ok := f.kept(id); ok {
		f.proven.Put(id, e)
	}
}

func (f *Fetcher) kept(id ID) (entry, bool) {
	if e, ok := f.proven.Get(id); ok {
		return e, true
	}
	return f.strangers.Get(id)
}

func (f *Fetcher) keep(id ID, e entry) {
	if _, ok := f.completed.Get(id); ok {
		f.proven.Put(id, e)
		return
	}
	f.strangers.Put(id, e)
}

// ask fetches together with all of one source who ask for the same document meanwhile. The
// fetch does not end with the request that began it, since others wait for it. Nobody waits
// for the turn of another source, which may have none left.
func (f *Fetcher) ask(ctx context.Context, id ID, kept entry, source string) (entry, error) {
	shared := f.flight.DoChan(id.issuer+" "+id.url+" "+source, func() (any, error) {
		return f.fetch(context.WithoutCancel(ctx), id, kept, source)
	})
	select {
	case got := <-shared:
		return got.Val.(entry), got.Err
	case <-ctx.Done():
		return entry{}, ctx.Err()
	}
}

func (f *Fetcher) fetch(ctx context.Context, id ID, kept entry, source string) (entry, error) {
	release := f.slots.acquire(ctx, id, source)
	if release == nil {
		return entry{}, busy(id)
	}
	defer release()
	if e, ok := f.kept(id); ok && f.now().Before(e.fresh) {
		return e, nil // another source fetched it meanwhile
	}
	if kept.fresh.IsZero() && !f.allowed(id, source) {
		return entry{}, busy(id)
	}
	client := f.outside
	if id.loopback {
		client = f.local
	}
	a, err := get(ctx, client, id, kept.etag)
	if errors.Is(err, dial.ErrBlocked) {
		telemetry.Audit(ctx, f.log, telemetry.ClientDocumentBlocked,
			slog.String("host", id.host), slog.String("error", err.Error()))
	}
	if err != nil {
		return entry{}, err
	}
	e := entry{Document: kept.Document, etag: kept.etag}
	if !a.notModified {
		e.etag = a.etag
		if e.Document, err = parse(id, a.body); err != nil {
			return entry{}, err
		}
	}
	e.fresh = f.now().Add(a.lifetime)
	e.usable = e.fresh.Add(staleIfError)
	f.keep(id, e)
	return e, nil
}

// allowed reports whether a source may have a host asked for a document that we never saw.
func (f *Fetcher) allowed(id ID, source string) bool {
	if _, ok := f.sources.Allow(source + " " + id.name); !ok {
		return false
	}
	if _, ok := f.networks.Allow(network(source) + " " + id.name); !ok {
		return false
	}
	_, ok := f.hosts.Allow(id.name)
	return ok
}

func busy(id ID) error {
	return &Problem{Kind: Busy, Host: id.host, Says: "too many applications of " + id.host + " are being looked up"}
}
