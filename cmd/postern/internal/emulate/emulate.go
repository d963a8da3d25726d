package emulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/terraform/gateway"
)

// The stores that a deployment can be emulated over.
const (
	Embedded  = "embedded"
	Firestore = "firestore"
	Postgres  = "postgres"
)

// What stands in front of the functions, in the words of terraform's variable front.
const (
	APIGateway   = "api-gateway"
	LoadBalancer = "load-balancer"
)

// A Config says what to run. Every field but DropEvery is required.
type Config struct {
	// Root is the root of the source tree; see [FindRoot].
	Root string
	// Front is APIGateway or LoadBalancer.
	Front string
	// Listen is its address, like 127.0.0.1:8085.
	Listen string
	// Replicas is the number of processes of each function, at least 1.
	Replicas int
	// Store is Embedded, Firestore or Postgres.
	Store string
	// Data is the directory of the embedded store.
	Data string
	// Lookup finds the functions' settings, as os.LookupEnv does.
	Lookup func(name string) (string, bool)
	// Check is asked, before anything is built or started, whether the functions can
	// be made with these settings and whether addr may be listened on.
	Check func(ctx context.Context, settings func(string) (string, bool), addr net.Addr) error
	// Ready is called once, when every process answers, with the front's origin.
	Ready func(origin string)
	// Progress is told what may take long, and called back when that has ended.
	Progress func(text string) (end func())
	// Output takes the functions' lines, whole lines from one at a time.
	Output io.Writer
	// Log takes what happens to processes and events.
	Log *slog.Logger
	// DropEvery makes the gateway lose every n-th answer after the function has
	// given it, so that its retry repeats a request that was done. 0 loses none.
	DropEvery int
}

// Run serves until ctx ends, then ends every process. A process that dies is started
// again; if one cannot be started at the beginning, Run returns what it said.
func Run(ctx context.Context, c Config) error {
	if err := supported(); err != nil {
		return err
	}
	switch {
	case c.Replicas < 1:
		return fmt.Errorf("%d replicas: want at least 1", c.Replicas)
	case c.Front != APIGateway && c.Front != LoadBalancer:
		return fmt.Errorf("--front is %q: want %s or %s", c.Front, APIGateway, LoadBalancer)
	case c.Front == LoadBalancer && c.DropEvery > 0:
		return errors.New("--drop-every loses answers for API Gateway to ask again, and a load balancer does not: " +
			"leave one of the two out")
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	c.Data = data
	listener, err := front.Listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	d, err := newDeployment(ctx, c, listener.Addr())
	if err != nil {
		return err
	}
	return d.run(ctx, listener)
}

// A deployment is what terraform would have made.
type deployment struct {
	Config
	origin   string
	paths    *gateway.Map
	settings func(string) (string, bool)
	proof    string // of the load balancer, if that is in front
	fleets   map[string]*fleet
	log      *slog.Logger
}

func newDeployment(ctx context.Context, c Config, addr net.Addr) (*deployment, error) {
	paths, err := gateway.Load()
	if err != nil {
		return nil, err
	}
	d := &deployment{Config: c, paths: paths, log: c.Log, fleets: map[string]*fleet{}, proof: newProof()}
	d.origin = "http://" + addr.String()
	if origin, ok := c.Lookup("ISSUER_URL"); ok && origin != "" {
		d.origin = origin
	}
	if d.settings, err = asDeployed(c, d.origin); err != nil {
		return nil, err
	}
	return d, c.Check(ctx, d.settings, addr)
}

// run builds and starts everything and serves until ctx ends or something that cannot
// be started again is gone.
func (d *deployment) run(ctx context.Context, listener net.Listener) error {
	built := d.Progress("building the functions")
	programs, err := d.programs(ctx)
	built()
	if err != nil {
		return err
	}
	started := sync.OnceFunc(d.Progress("starting the functions"))
	defer started()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	extra, stopEvents, err := d.startStore(ctx, cancel)
	if err != nil {
		return err
	}
	defer stopEvents()
	// The processes outlive ctx until the requests under way are answered.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer d.stopFleets(end)
	if err := d.startFleets(ctx, running, programs, extra); err != nil {
		return errors.Join(err, cause(ctx))
	}
	stopFeed, err := d.startFeed(ctx)
	if err != nil {
		return err
	}
	defer stopFeed()
	handler, err := d.front()
	if err != nil {
		return err
	}
	started()
	d.Ready(d.origin)
	return errors.Join(front.Serve(ctx, listener, handler, front.Options{}), cause(ctx))
}

// front returns what stands in front of the functions.
func (d *deployment) front() (http.Handler, error) {
	if d.Front == LoadBalancer {
		return newBalancer(d.paths, d.fleets, d.origin, d.proof, d.log), nil
	}
	return newEdge(d.paths, d.fleets, edgeConfig{origin: d.origin, dropEvery: d.DropEvery, log: d.log})
}

// cause returns why ctx ended, if it was not by its owner's wish.
func cause(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
