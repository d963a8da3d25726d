package front

import (
	"context"
	"net"
	"net/http"
	"time"
)

// maxHeader is API Gateway's limit on the headers of a request.
const maxHeader = 60 << 10

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
