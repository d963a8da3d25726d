package boot

import (
	"cmp"
	"errors"
	"log/slog"
	"os"
	"slices"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/telemetry"
)

// An Env is what a function is built from.
type Env struct {
	// Name is the function's name; [Open] sets it.
	Name string
	// Lookup has the form of [os.LookupEnv], which nil means.
	Lookup func(string) (string, bool)
	// Observer makes traces and metrics; nil makes none. A build sets it by parts.Observe.
	Observer telemetry.Observer
	// Resident says that the program works between requests too, as a function does not.
	Resident bool
	// Log is made from LOG_LEVEL and GOOGLE_CLOUD_PROJECT, to standard output,
	// if it is nil.
	Log *slog.Logger

	closers []func() error
}

// Settings returns a new reader of the environment.
func (e *Env) Settings() *config.Reader { return config.Read(e.Lookup) }

// Edge reads the settings that every function shares. Its problems are r's.
func (e *Env) Edge(r *config.Reader) edge.Deployment {
	edge := edge.Deployment{
		Log:                         e.Log,
		Observer:                    e.Observer,
		Issuer:                      config.Parse(r, "ISSUER_URL", origin.Parse),
		TrustForwardedAuthorization: r.Bool("TRUST_FORWARDED_AUTHORIZATION"),
		ForwardedForHops:            r.Int("FORWARDED_FOR_HOPS"),
		LoadBalancer:                config.Parse(r, "LOAD_BALANCER_PROOF", edge.ParseProof),
		LoadBalancerOnly:            r.Bool("LOAD_BALANCER_ONLY"),
	}
	if edge.LoadBalancerOnly && !r.Has("LOAD_BALANCER_PROOF") {
		r.Refuse("LOAD_BALANCER_ONLY", "is true and LOAD_BALANCER_PROOF is not set, so nobody could call: "+
			"set both or neither")
	}
	if edge.LoadBalancerOnly && edge.TrustForwardedAuthorization {
		r.Refuse("TRUST_FORWARDED_AUTHORIZATION", "is true and so is LOAD_BALANCER_ONLY: "+
			"behind a load balancer the client's credential stays in Authorization, so leave it out")
	}
	r.Enum("LOG_LEVEL") // read before the reader was there; here for its problems
	if deployed(e.Lookup) && !r.Has("ISSUER_URL") {
		r.Refuse("ISSUER_URL", "is not set: want the public https origin, like https://auth.example.com")
	}
	return edge
}

// OnClose notes what [Env.Close] has to close, such as a store.
func (e *Env) OnClose(f func() error) { e.closers = append(e.closers, f) }

// Close closes what builds opened, last first. A program that serves until it is
// killed need not call it.
func (e *Env) Close() error {
	var errs []error
	for _, f := range slices.Backward(e.closers) {
		errs = append(errs, f())
	}
	e.closers = nil
	return errors.Join(errs...)
}

// settle fills in what a caller left out.
func (e *Env) settle(name string) {
	e.Name = name
	if e.Lookup == nil {
		e.Lookup = os.LookupEnv
	}
	if e.Log != nil {
		return
	}
	r := config.Read(e.Lookup)
	word, project := r.Enum("LOG_LEVEL"), r.String("GOOGLE_CLOUD_PROJECT")
	// A wrong level is reported by Edge, with all other problems.
	level, _ := telemetry.ParseLevel(cmp.Or(word, "info"))
	e.Log = telemetry.NewLogger(os.Stdout, level, project)
}

// deployed reports whether this is Cloud Run (container runtime contract).
func deployed(lookup func(string) (string, bool)) bool {
	v, _ := lookup("K_SERVICE")
	return v != ""
}
