package cloudsql_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"golang.org/x/oauth2"

	"github.com/postern-dev/postern/shared/store/cloudsql"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/postgresdriver"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// An instance is a Cloud SQL of this machine: the Admin API that gives certificates, and what
// takes TLS connections from who has one, in front of a server.
type instance struct {
	key       *rsa.PrivateKey
	authority *x509.Certificate
	listener  net.Listener
	admin     *httptest.Server
	token     atomic.Value // that the last certificate was asked for with
}

func newInstance(t *testing.T, server *postgres.Server) *instance {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	in := &instance{key: key}
	der := in.sign(t, "acme-mcp:postern", &key.PublicKey)
	if in.authority, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(in.authority)
	in.listener, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.listener.Close() })
	go in.serve(server.Address())
	in.admin = httptest.NewServer(in.adminAPI(t))
	t.Cleanup(in.admin.Close)
	return in
}

// sign makes a certificate of the instance's authority.
func (in *instance) sign(t *testing.T, name string, public crypto.PublicKey) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: in.authority == nil,
		BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	parent := in.authority
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, in.key)
	if err != nil {
		t.Error(err)
	}
	return der
}

func (in *instance) serve(target string) {
	for {
		client, err := in.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			server, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			defer server.Close()
			go func() { _, _ = io.Copy(server, client); server.Close() }()
			_, _ = io.Copy(client, server)
		}()
	}
}

func (in *instance) adminAPI(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	const path = "/sql/v1beta4/projects/acme-mcp/instances/postern"
	mux.HandleFunc("GET "+path+"/connectSettings", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"region": "europe-west1", "databaseVersion": "POSTGRES_15", "backendType": "SECOND_GEN",
			"ipAddresses":  []any{map[string]string{"type": "PRIVATE", "ipAddress": "10.1.2.3"}},
			"serverCaCert": map[string]string{"cert": inPEM("CERTIFICATE", in.authority.Raw)},
		})
	})
	mux.HandleFunc("POST "+path+":generateEphemeralCert", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Key   string `json:"public_key"`
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		block, _ := pem.Decode([]byte(asked.Key))
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Error(err)
		}
		in.token.Store(asked.Token)
		_ = json.NewEncoder(w).Encode(map[string]any{"ephemeralCert": map[string]string{
			"cert": inPEM("CERTIFICATE", in.sign(t, "client", public)),
		}})
	})
	return mux
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// The driver reaches an instance by its private address and the connector's TLS, as who it is
// by IAM; what is deployed over PostgreSQL has that way.
func TestRecordsAreKeptInCloudSQL(t *testing.T) {
	server := postgres.Shared(t)
	url := server.Database(t)
	if _, err := postgresdriver.Migrate(t.Context(), strings.TrimPrefix(url, "postgres:"), nil,
		postgresdriver.Options{}); err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(url, "?")
	database := address[strings.LastIndex(address, "/")+1:]
	in := newInstance(t, server)
	var dialled atomic.Value
	token := func(text string) oauth2.TokenSource {
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: text, Expiry: time.Now().Add(time.Hour)})
	}
	way := cloudsql.Way(
		cloudsqlconn.WithIAMAuthNTokenSources(token("admin"), token("login")),
		cloudsqlconn.WithAdminAPIEndpoint(in.admin.URL), cloudsqlconn.WithDisableMetadataExchange(),
		cloudsqlconn.WithDialFunc(func(ctx context.Context, _, to string) (net.Conn, error) {
			dialled.Store(to)
			return (&net.Dialer{}).DialContext(ctx, "tcp", in.listener.Addr().String())
		}),
	)
	d, err := postgresdriver.Open(t.Context(),
		"//"+postgres.User+"@/"+database+"?cloudsql=acme-mcp:europe-west1:postern", way)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	k := driver.Key{Collection: "clients", ID: "x"}
	if err := d.Create(t.Context(), k, driver.Document{Body: "sealed"}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Get(t.Context(), k); err != nil || got.Body != "sealed" {
		t.Errorf("got %q, %v, want what was created", got.Body, err)
	}
	if to, _ := dialled.Load().(string); !strings.HasPrefix(to, "10.1.2.3:") || in.token.Load() != "login" {
		t.Errorf("dialled %s with token %v, want the private address and a login token", to, in.token.Load())
	}
	if _, err := cloudsql.Openers.Open(t.Context(), "postgres://me@/p?cloudsql=a:b:c"); err != nil {
		t.Errorf("Openers.Open: got %v, want no error", err)
	}
}
