package emulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/changefeed"
	"github.com/postern-dev/postern/shared/eventarc"
	"github.com/postern-dev/postern/shared/manifest"
	"github.com/postern-dev/postern/shared/store/driver"
)

// triggers are the documents whose changes start the event function: those of
// terraform/main.tf.
var triggers = []string{"grants/{id}", "clients/{id}", "codes/{id}", "people/{id}"}

// twice is the part of events that are delivered a second time: one in so many.
const twice = 4

// triggered reports whether changes of a collection start the event function.
func triggered(collection string) bool {
	for _, t := range triggers {
		if name, _, _ := strings.Cut(t, "/"); name == collection {
			return true
		}
	}
	return false
}

// startFeed makes the changes that a store keeps itself the source of events. The
// Firestore emulator has its own.
func (d *deployment) startFeed(ctx context.Context) (stop func(), err error) {
	if d.Store == Firestore {
		return func() {}, nil
	}
	setting, _ := d.settings("STORE")
	follow, closeFeed, err := changefeed.Open(ctx, setting)
	if err != nil {
		return nil, err
	}
	if follow == nil {
		return nil, fmt.Errorf("store %s has no change feed", setting)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow(ctx, d.deliverChange, d.log)
	}()
	return func() {
		cancel()
		<-done
		_ = closeFeed()
	}, nil
}

// deliverChange delivers a change at least once.
func (d *deployment) deliverChange(ctx context.Context, c driver.Change) error {
	if !triggered(c.Key.Collection) {
		return nil
	}
	request := func(url string) (*http.Request, error) { return eventarc.Request(ctx, url, project, c) }
	if err := d.deliver(ctx, request); err != nil {
		return err
	}
	if rand.IntN(twice) == 0 {
		return d.deliver(ctx, request)
	}
	return nil
}

// deliver sends an event to each function that events start.
func (d *deployment) deliver(ctx context.Context, request func(url string) (*http.Request, error)) error {
	var errs []error
	for _, name := range manifest.Names(manifest.Event) {
		errs = append(errs, d.deliverTo(ctx, name, request))
	}
	return errors.Join(errs...)
}

// deliverTo sends an event to the replica of a function whose turn it is.
func (d *deployment) deliverTo(
	ctx context.Context, name string, request func(url string) (*http.Request, error),
) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	in, err := d.fleets[name].pick(ctx, nil)
	if err != nil {
		return err
	}
	r, err := request("http://" + in.address + "/")
	if err != nil {
		return err
	}
	r = r.WithContext(ctx)
	r.Host = backendHost(name)
	r.Header.Set("Authorization", "Bearer "+idToken("https://"+r.Host))
	resp, err := eventClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("function %s answered %s: %s", name, resp.Status, bytes.TrimSpace(said))
	}
	return nil
}

var eventClient = &http.Client{Transport: newTransport(), Timeout: 2 * time.Minute}
