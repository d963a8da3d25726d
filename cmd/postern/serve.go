package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/postern-dev/postern/cmd/postern/internal/certificate"
	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/origin"
)

const serveLong = `Run everything in one process under production's rules, for one machine.

It reads the functions' settings (docs/configuration.md). ISSUER_URL has to be an https origin, and people
sign in at a real identity provider. Records, keys and the certificate are kept under the data directory;
STORE may name another place for the records. docs/serve.md has the whole way, with a systemd unit.

It gets its certificate from an ACME authority, whose terms you accept by that, and answers the authority's
challenge on --listen, which the internet has to reach as port 443. With --behind-proxy it speaks plain http
to a proxy that has the certificate.`

// behindProxyListen is where a proxy of this machine finds the server.
const behindProxyListen = "127.0.0.1:8080"

// serveGrace is how long requests under way may take when the server stops.
const serveGrace = 30 * time.Second

type serveOptions struct {
	listen, data, log string
	upstream          string // an MCP server behind this one
	command           command
	http              string // a second address, for plain HTTP
	behindProxy       bool
	directory, roots  string // of the ACME authority
}

func newServe(out *cli.Output) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use: "serve", Short: "Run everything in one process, in production on one machine", Long: serveLong,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.command.check(cmd); err != nil {
				return err
			}
			changed := cmd.Flags().Changed
			if o.behindProxy && (changed("acme-directory") || changed("acme-ca")) {
				return cli.Usage("with --behind-proxy the proxy has the certificate: " +
					"leave --acme-directory and --acme-ca out")
			}
			if o.behindProxy && !changed("listen") {
				o.listen = behindProxyListen
			}
			return runServe(cmd.Context(), out, o)
		},
	}
	addUpstream(cmd, &o.upstream)
	addCommand(cmd, &o.command)
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", ":443",
		"address to listen on; with --behind-proxy the default is "+behindProxyListen)
	f.StringVar(&o.data, "data", ".postern", "directory of records, keys and certificate")
	f.StringVar(&o.http, "http", "", "address for plain http besides, like :80: it answers the authority's "+
		"challenge HTTP-01 and sends people on to https")
	f.BoolVar(&o.behindProxy, "behind-proxy", false,
		"speak plain http: a proxy in front has the certificate and sets X-Forwarded-For")
	f.StringVar(&o.directory, "acme-directory", certificate.LetsEncrypt, "directory URL of the ACME authority")
	f.StringVar(&o.roots, "acme-ca", "", "file of the certificates that the authority's own leads to, in PEM; "+
		"unset, those of the system")
	cli.BindLog(f, &o.log)
	return cmd
}

// runServe serves until ctx ends.
func runServe(ctx context.Context, out *cli.Output, o serveOptions) error {
	env := localEnvironment(o.data, o.defaults())
	withUpstream(env, o.upstream)
	if err := openLog(env, out, o.log, "serve"); err != nil {
		return err
	}
	issuer, rules := o.rules(env)
	s := serving{serveOptions: o, env: env, issuer: issuer}
	var certErr error
	if !o.behindProxy {
		s.certificate, certErr = o.newCertificate(env, issuer)
	}
	own, end, commandErr := o.command.open(ctx, env)
	defer end()
	return together{env, o.listen, own, s.serve}.run(ctx, rules, o.makeKeys(env), certErr, commandErr)
}

// defaults are those of production: behind one proxy, what it says of its caller counts.
func (o serveOptions) defaults() map[string]string {
	if o.behindProxy {
		return map[string]string{"FORWARDED_FOR_HOPS": "1"}
	}
	return nil
}

// rules reads the issuer, and returns what production forbids and development allows.
func (o serveOptions) rules(env *boot.Env) (origin.Origin, error) {
	r := env.Settings()
	issuer := config.Parse(r, "ISSUER_URL", origin.Parse)
	host, _ := origin.SplitPort(issuer.Host())
	switch {
	case !r.Has("ISSUER_URL"):
		r.Refuse("ISSUER_URL", "is not set: want the public https origin, like https://auth.example.com")
	case issuer.IsZero(): // the reader has noted it
	case !issuer.Secure():
		r.Refuse("ISSUER_URL", "is %s: postern serve wants https; postern dev takes plain http", issuer)
	case !o.behindProxy && !certificate.Possible(host):
		r.Refuse("ISSUER_URL", "is %s: an ACME authority certifies names with a dot; "+
			"want one, or a proxy with its own certificate and --behind-proxy", issuer)
	}
	if r.Has("IDENTITY_PROVIDER") && r.Enum("IDENTITY_PROVIDER") == "development" {
		r.Refuse("IDENTITY_PROVIDER", "is development: that form believes every name, "+
			"so postern serve does not have it; want github")
	}
	if !o.behindProxy && r.Int("FORWARDED_FOR_HOPS") > 0 {
		r.Refuse("FORWARDED_FOR_HOPS", "is set without --behind-proxy: callers could choose their address; "+
			"leave it out, or say that a proxy is in front")
	}
	return issuer, r.Err()
}

// makeKeys makes the rings that are missing, for records on this machine. Records
// elsewhere may have been sealed before, so nobody can tell that the ring is a new one.
func (o serveOptions) makeKeys(env *boot.Env) error {
	if _, ok := embeddedDir(env); ok || !readsKeysUnder(env, o.data) {
		return makeKeys(env, o.data)
	}
	keys := filepath.Join(o.data, "keys")
	file := filepath.Join(keys, localkeys.Fernet)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: copy the rings of these records to %s, or, if there are no records yet, "+
			"make them: postern keys create --keys %s", file, keys, keys)
	}
	return keysUnder(o.data).Ensure(true)
}

// newCertificate returns the certificate of the issuer's host.
func (o serveOptions) newCertificate(env *boot.Env, issuer origin.Origin) (*certificate.Certificate, error) {
	host, _ := origin.SplitPort(issuer.Host())
	return certificate.New(certificate.Options{
		Host: host, Dir: filepath.Join(o.data, "certificate"),
		Directory: o.directory, Roots: o.roots, Log: env.Log,
	})
}

// A serving is what postern serve puts around the functions.
type serving struct {
	serveOptions
	env         *boot.Env
	issuer      origin.Origin
	certificate *certificate.Certificate // nil behind a proxy
}

// serve answers on l, and for plain HTTP on the address of --http, until ctx ends.
func (s serving) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	all, ctx := errgroup.WithContext(ctx)
	unencrypted := front.Options{Grace: serveGrace, Log: s.env.Log}
	o := unencrypted
	if s.http != "" {
		plain, err := front.Listen("--http", s.http)
		if err != nil {
			return err
		}
		redirect := s.redirect()
		all.Go(func() error { return front.Serve(ctx, plain, redirect, unencrypted) })
	}
	if s.certificate != nil {
		o.TLS = s.certificate.TLS()
		go s.certificate.Fetch(ctx)
	}
	all.Go(func() error { return front.Serve(ctx, l, h, o) })
	s.tell(ctx, l.Addr())
	return all.Wait()
}

// redirect sends who came by plain http to the same place of the issuer. What is not for
// people to read is refused: it may carry a secret, and should not do so again.
func (s serving) redirect() http.Handler {
	next := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "this server speaks https: "+s.issuer.String(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, s.issuer.URL(r.URL.RequestURI()), http.StatusPermanentRedirect)
	}))
	if s.certificate != nil {
		next = s.certificate.Challenges(next)
	}
	return next
}

// tell says in the log, and to systemd if it is there, that requests are answered, and
// later that they no longer are.
func (s serving) tell(ctx context.Context, addr net.Addr) {
	s.env.Log.Info("postern serve listens", "address", addr.String(), "mcp", s.issuer.URL("/mcp"))
	s.notify(daemon.SdNotifyReady)
	context.AfterFunc(ctx, func() {
		s.env.Log.Info("postern serve stops", "grace", serveGrace.String())
		s.notify(daemon.SdNotifyStopping)
	})
}

func (s serving) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.env.Log.Warn("systemd does not listen", "error", err)
	}
}
