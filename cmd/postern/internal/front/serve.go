package front

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxHeader is API Gateway's limit on the headers of a request.
const maxHeader = 60 << 10

// Listen listens on the address of a flag, a host and a port. The error says what to change.
func Listen(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if _, bad := errors.AsType[*net.AddrError](err); bad {
		return nil, fmt.Errorf("%s: %w (want a host and a port, like 127.0.0.1:8085)", flag, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w (another may be free, like 127.0.0.1:0)", flag, err)
	}
	return listener, nil
}

// Options is how to serve. The zero value is plain HTTP.
type Options struct {
	// TLS has the certificates, if requests come over TLS.
	TLS *tls.Config
	// Grace is how long requests under way may take when the server stops; 0 means five
	// seconds.
	Grace time.Duration
	// Log takes what goes wrong with connections; nil means the log package's.
	Log *slog.Logger
}

// Serve answers on listener until ctx ends, lets requests under way finish for as long as
// the options say, and then lets go of those that do not.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, o Options) error {
	server := &http.Server{
		Handler: handler, TLSConfig: o.TLS, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	if o.Log != nil {
		server.ErrorLog = log.New(connections{o.Log}, "", 0)
	}
	failed := make(chan error, 1)
	go func() {
		if o.TLS != nil {
			failed <- server.ServeTLS(listener, "", "")
			return
		}
		failed <- server.Serve(listener)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// The context that ended must not end the shutdown as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(o.Grace, 5*time.Second))
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// connections takes the lines that net/http writes. Whoever looks through the internet for
// servers fails at a handshake all day, with their address in the line.
type connections struct{ log *slog.Logger }

func (c connections) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if strings.Contains(string(line), "TLS handshake error") {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, strings.TrimSpace(string(line)))
	return len(line), nil
}
