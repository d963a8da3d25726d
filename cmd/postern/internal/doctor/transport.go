package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/oauth"
)

const (
	certificateLeft = 14 * 24 * time.Hour // of a certificate's life, or it was not renewed
	clockTolerance  = 30 * time.Second    // half a CODE_TTL
	slow            = 10 * time.Second    // the first client gives up (E14)
)

// reachable asks for one document, with one more try for a cold start.
func reachable(ctx context.Context, p *probe) error {
	q := request{method: http.MethodGet, path: oauth.ServerMetadataPath}
	_, err := p.ask(ctx, q)
	if err != nil {
		_, err = p.ask(ctx, q)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		p.found(fmt.Sprintf("the certificate is not good: %v", err),
			"install a certificate for this name from an authority that clients know; "+
				"a managed certificate needs its DNS record first")
		return fmt.Errorf("%w because of its certificate", errUnreachable)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return nil
}

// checkTLS looks at the certificate and version of a connection.
func checkTLS(ctx context.Context, p *probe) error {
	if strings.HasPrefix(p.origin, "http://") {
		p.check.Note = "plain http on loopback"
		return nil
	}
	a, err := p.ask(ctx, request{method: http.MethodGet, path: oauth.ServerMetadataPath})
	if err != nil || a.tls == nil {
		return err
	}
	if a.tls.Version < tls.VersionTLS12 {
		p.found("the connection is "+tls.VersionName(a.tls.Version)+", want TLS 1.2 or later",
			"set a minimum TLS version at the load balancer (an SSL policy)")
	}
	p.check.Note = tls.VersionName(a.tls.Version)
	if len(a.tls.PeerCertificates) == 0 {
		return nil
	}
	end := a.tls.PeerCertificates[0].NotAfter
	p.check.Note += ", certificate until " + end.UTC().Format("2006-01-02 MST")
	if left := end.Sub(p.now()); left < certificateLeft {
		p.found("the certificate ends in "+cli.Count(int(left.Hours()/24), "day", "days"),
			"see why it was not renewed: a managed certificate needs the DNS record to stay")
	}
	return nil
}

// clock compares the server's Date with this computer's clock. A token is good or bad
// by the clock of whoever looks.
func clock(ctx context.Context, p *probe) error {
	fresh := map[string]string{"Cache-Control": "no-cache"}
	a, err := p.ask(ctx, request{method: http.MethodGet, path: oauth.ServerMetadataPath, header: fresh})
	if err != nil {
		return err
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		p.found("answers have no Date header", "look for a proxy that takes it away")
		return nil
	}
	// Date has whole seconds and was written at some time during the request.
	off := max(a.sent.Truncate(time.Second).Sub(date), date.Sub(a.received))
	if age := a.header.Get("Age"); age != "" {
		p.check.Note = "the answer came from a cache"
		return nil
	}
	if off > clockTolerance {
		p.found(fmt.Sprintf("the server's clock and this computer's differ by %s", off.Round(time.Second)),
			"set this computer's clock (NTP); if it is right, the host of the server is wrong")
	}
	return nil
}

// speed looks back at the slowest request.
func speed(_ context.Context, p *probe) error {
	p.check.Note = fmt.Sprintf("slowest: %s, %d ms", p.slowest, p.slowest.took().Milliseconds())
	if p.slowest.took() > slow {
		took := p.slowest.took().Round(time.Second)
		p.found(fmt.Sprintf("%s took %s: clients give up after 10 to 30 seconds", p.slowest, took),
			"set min_instances = 1 for the function, or see its log")
	}
	return nil
}
