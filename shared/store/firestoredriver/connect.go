package firestoredriver

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	endpoint         = "firestore.googleapis.com:443"
	scope            = "https://www.googleapis.com/auth/datastore"
	emulatorVariable = "FIRESTORE_EMULATOR_HOST"
	// early is how long before its end an access token is replaced.
	early = 225 * time.Second
)

// connect returns a connection to Firestore with the application's default credentials, or
// to the emulator with none. Nothing is dialled or asked before the first call.
func connect() (*grpc.ClientConn, error) {
	if host := os.Getenv(emulatorVariable); host != "" {
		_, address, named := strings.Cut(host, "://")
		if !named {
			address = host
		}
		return grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(owner{}))
	}
	encrypted := credentials.NewClientTLSFromCert(nil, "")
	return grpc.NewClient(endpoint, grpc.WithTransportCredentials(encrypted), grpc.WithPerRPCCredentials(&account{}))
}

// outgoing returns ctx with the headers by which Google routes a call to its database.
func (d *Driver) outgoing(ctx context.Context) context.Context {
	route := url.Values{"project_id": {d.project}, "database_id": {d.database}}
	return metadata.AppendToOutgoingContext(ctx,
		"google-cloud-resource-prefix", d.root(), "x-goog-request-params", route.Encode())
}

// An account is who calls Firestore: the account of this program, by Google's application
// default credentials. They are found when the first call needs them.
type account struct {
	mu     sync.Mutex
	tokens oauth2.TokenSource // nil before they are found
	quota  string             // the project that calls of a person count for; empty for a service account
}

// GetRequestMetadata implements [credentials.PerRPCCredentials]. Whoever finds credentials and
// makes tokens may not know ctx, so that a call which has to end does not wait for them.
func (a *account) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	type answer struct {
		header map[string]string
		err    error
	}
	made := make(chan answer, 1)
	go func() {
		header, err := a.header()
		made <- answer{header, err}
	}()
	select {
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	case got := <-made:
		return got.header, got.err
	}
}

// header says who calls. A failure to find out is not remembered.
func (a *account) header() (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens == nil {
		if err := a.find(); err != nil {
			return nil, err
		}
	}
	token, err := a.tokens.Token()
	if err != nil {
		return nil, err
	}
	header := map[string]string{"authorization": token.Type() + " " + token.AccessToken}
	if a.quota != "" {
		header["x-goog-user-project"] = a.quota
	}
	return header, nil
}

// find finds the credentials. They outlive the request that came first, and its context.
func (a *account) find() error {
	found, err := google.FindDefaultCredentialsWithParams(context.Background(),
		google.CredentialsParams{Scopes: []string{scope}, EarlyTokenRefresh: early})
	if err != nil {
		return err
	}
	var file struct {
		Quota string `json:"quota_project_id"`
	}
	if found.JSON != nil {
		if err := json.Unmarshal(found.JSON, &file); err != nil {
			return fmt.Errorf("read application default credentials: %w", err)
		}
	}
	a.tokens, a.quota = found.TokenSource, cmp.Or(os.Getenv("GOOGLE_CLOUD_QUOTA_PROJECT"), file.Quota)
	return nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (*account) RequireTransportSecurity() bool { return true }

// An owner may do everything in an emulator, and is nobody elsewhere.
type owner struct{}

// GetRequestMetadata implements [credentials.PerRPCCredentials].
func (owner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (owner) RequireTransportSecurity() bool { return false }
