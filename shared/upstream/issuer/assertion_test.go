package issuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// A key proves who we are for a minute, once, to one audience (OpenID Connect Core §9), and names itself or its
// certificate.
func TestAssertion(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: ec, KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	certificate := []byte("not looked into")
	sum := sha256.Sum256(certificate)
	withCertificate := append(pkcs8(t, rsa2048),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...)
	now := time.Unix(1_900_000_000, 0)
	for what, row := range map[string]struct {
		file             []byte
		alg              string
		public           any
		kid, fingerprint string
	}{
		"JWK":         {jwk, "ES256", &ec.PublicKey, "k1", ""},
		"PEM":         {pkcs8(t, ec), "ES256", &ec.PublicKey, "", ""},
		"certificate": {withCertificate, "RS256", &rsa2048.PublicKey, "", base64.RawURLEncoding.EncodeToString(sum[:])},
	} {
		k, err := ParseKey(row.file)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		token, err := k.assertion("postern", "https://id.example.com", now)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(row.alg)})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := jws.Verify(row.public)
		var c struct {
			Iss, Sub, Aud, Jti string
			Iat, Exp           int64
		}
		if err == nil {
			err = json.Unmarshal(payload, &c)
		}
		if err != nil || c.Iss != "postern" || c.Sub != "postern" || c.Aud != "https://id.example.com" || c.Jti == "" ||
			c.Iat != now.Unix() || c.Exp != now.Unix()+60 {
			t.Errorf("%s: got %+v, %v", what, c, err)
		}
		header := jws.Signatures[0].Header
		thumbprint, _ := header.ExtraHeaders["x5t#S256"].(string)
		if header.KeyID != row.kid || thumbprint != row.fingerprint {
			t.Errorf("%s: got kid %q, x5t#S256 %q", what, header.KeyID, thumbprint)
		}
		if again, _ := k.assertion("postern", "https://id.example.com", now); again == token {
			t.Errorf("%s: got the same assertion twice", what)
		}
		if s := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(s, "0x") || strings.Contains(s, "{") {
			t.Errorf("%s: a key prints %s", what, s)
		}
	}
}

func TestKeysThatAreNotTaken(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // what is refused
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: &ec.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	for what, file := range map[string][]byte{
		"nothing": nil, "text": []byte("canary"), "a public key": public,
		"HMAC":             []byte(`{"kty":"oct","k":"Y2FuYXJ5"}`),
		"RSA of 1024 bits": pkcs8(t, small), "Ed25519": pkcs8(t, edwards),
		"broken PEM": []byte("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"),
	} {
		_, err := ParseKey(file)
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "Y2FuYXJ5") {
			t.Errorf("%s: got %v, want a problem that quotes nothing", what, err)
		}
	}
}
