package issuer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/shared/credential"
)

// A Key signs client assertions (RFC 7523 §2.2). It prints without its secret.
type Key struct {
	private     crypto.Signer
	kid         string
	certificate string // base64url of the SHA-256 of its certificate, where there is one
}

// String says that there is a key.
func (Key) String() string { return "client key" }

// GoString is String.
func (Key) GoString() string { return "client key" }

// ParseKey reads OIDC_CLIENT_KEY_FILE: a private key of P-256, P-384 or RSA from 2048 bits, as
// PKCS #8 in PEM, with its certificate beside it where the provider goes by that, or as a JWK.
// Its errors quote nothing.
func ParseKey(data []byte) (Key, error) {
	var k Key
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		k, err = parseJWK(data)
	} else {
		k, err = parsePEM(data)
	}
	if err != nil {
		return Key{}, err
	}
	_, err = k.algorithm()
	return k, err
}

var errKey = errors.New("want a private key: PKCS #8 in PEM, or a JWK")

func parseJWK(data []byte) (Key, error) {
	var jwk jose.JSONWebKey
	if json.Unmarshal(data, &jwk) != nil || jwk.IsPublic() {
		return Key{}, errKey
	}
	private, ok := jwk.Key.(crypto.Signer)
	if !ok {
		return Key{}, errKey
	}
	return Key{private: private, kid: jwk.KeyID}, nil
}

func parsePEM(data []byte) (k Key, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			signer, ok := private.(crypto.Signer)
			if err != nil || !ok {
				return Key{}, errKey
			}
			k.private = signer
		case "CERTIFICATE":
			if k.certificate == "" {
				sum := sha256.Sum256(block.Bytes)
				k.certificate = credential.Encode(sum[:])
			}
		}
	}
	if k.private == nil {
		return Key{}, errKey
	}
	return k, nil
}

func (k Key) algorithm() (jose.SignatureAlgorithm, error) {
	switch key := k.private.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= 2048 {
			return jose.RS256, nil
		}
	case *ecdsa.PrivateKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return jose.ES256, nil
		case 384:
			return jose.ES384, nil
		}
	}
	return "", errors.New("want a key of P-256, P-384, or RSA from 2048 bits")
}

// assertionTTL is how long an assertion is good: for one call.
const assertionTTL = time.Minute

// assertion is a fresh proof that we are clientID (OpenID Connect Core §9).
func (k Key) assertion(clientID, audience string, now time.Time) (string, error) {
	alg, err := k.algorithm()
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.certificate != "" {
		options = options.WithHeader("x5t#S256", k.certificate)
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.kid},
	}, options)
	if err != nil {
		return "", fmt.Errorf("sign a client assertion: %w", err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": credential.New("").Reveal(),
		"iat": now.Unix(), "exp": now.Add(assertionTTL).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign a client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

func (i *Issuer) assertion(ctx context.Context, d Description) (string, error) {
	key, err := i.key(ctx)
	if err != nil {
		return "", fmt.Errorf("read OIDC_CLIENT_KEY_FILE: %w", err)
	}
	audience := d.Issuer
	if i.AssertTokenURL || i.template != "" {
		audience = d.TokenURL
	}
	return key.assertion(i.clientID, audience, i.now())
}
