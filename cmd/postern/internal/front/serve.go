package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxHeader is API Gateway's limit on the headers of a request.
const maxHeader = 60 << 10

// Listen listens on address, a host and a port. The error says what to change.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if _, bad := errors.AsType[*net.AddrError](err); bad {
		return nil, fmt.Errorf("--listen: %w (want a host and a port, like 127.0.0.1:8085)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--listen: %w (another may be free, like 127.0.0.1:0)", err)
	}
	return listener, nil
}

// Serve answers on listener until ctx ends, lets requests under way finish for a few
// seconds, and then lets go of those that do not.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: maxHeader}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// The context that ended must not end the shutdown as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
