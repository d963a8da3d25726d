package cimd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postern-dev/postern/shared/limit"
	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Limits of all fetches together (SF-11).
const (
	// maxDocuments bounds the cache, in documents of at most 16 KiB, twice.
	maxDocuments = 128
	// maxFetches is how many may be under way at once.
	maxFetches = 32
	// A host may be asked hostBurst times at once and once more every hostEvery.
	hostBurst = 20
	hostEvery = 2 * time.Second
	maxHosts  = 10_000
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

	outside, local *http.Client // for public addresses, and for our own machine's
	cache          *recent.Cache[ID, entry]
	hosts          *limit.Limiter
	flight         singleflight.Group
	slots          chan struct{}
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
		allow: o.Allow, log: o.Log, now: o.Now,
		outside: newClient(public, nil, nil), local: newClient(loopback, nil, nil),
		cache: recent.New[ID, entry](maxDocuments),
		slots: make(chan struct{}, maxFetches),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.now == nil {
		f.now = time.Now
	}
	f.hosts = limit.New(limit.Options{Burst: hostBurst, Every: hostEvery, MaxKeys: maxHosts, Now: f.now})
	return f
}

// Client returns the document of a client: from the cache while it is fresh, else
// fetched, and from the cache all the same while its host is down. Failures are not
// remembered. The error is a [*Problem], or the context's.
func (f *Fetcher) Client(ctx context.Context, id ID) (Document, error) {
	switch {
	case f == nil || f.allow.Off():
		return Document{}, &Problem{Kind: Refused, Host: id.host, Says: "this server does not take clients that publish their metadata"}
	case !f.allow.has(id.name):
		return Document{}, &Problem{Kind: Refused, Host: id.host, Says: "this server does not take clients of " + id.host}
	}
	kept, ok := f.cache.Get(id)
	if ok && f.now().Before(kept.fresh) {
		return kept.Document, nil
	}
	e, err := f.ask(ctx, id, kept)
	if err != nil && ok && outage(err) && f.now().Before(kept.usable) {
		f.log.LogAttrs(ctx, slog.LevelWarn, "an older client metadata document is used", slog.String("host", id.host), slog.String("cause", err.Error()))
		return kept.Document, nil
	}
	return e.Document, err
}

// ask fetches together with all who ask for the same document meanwhile. The fetch does
// not end with the request that began it, since others wait for it.
func (f *Fetcher) ask(ctx context.Context, id ID, kept entry) (entry, error) {
	shared := f.flight.DoChan(id.issuer+" "+id.url, func() (any, error) {
		return f.fetch(context.WithoutCancel(ctx), id, kept)
	})
	select {
	case got := <-shared:
		return got.Val.(entry), got.Err
	case <-ctx.Done():
		return entry{}, ctx.Err()
	}
}

func (f *Fetcher) fetch(ctx context.Context, id ID, kept entry) (entry, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		return entry{}, busy(id)
	}
	if _, ok := f.hosts.Allow(id.name); !ok {
		return entry{}, busy(id)
	}
	client := f.outside
	if id.loopback {
		client = f.local
	}
	a, err := get(ctx, client, id, kept.etag)
	if errors.Is(err, errBlocked) {
		telemetry.Audit(ctx, f.log, telemetry.ClientDocumentBlocked, slog.String("host", id.host), slog.String("error", err.Error()))
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
	f.cache.Put(id, e)
	return e, nil
}

func busy(id ID) error {
	return &Problem{Kind: Busy, Host: id.host, Says: "too many applications of " + id.host + " are being looked up"}
}
