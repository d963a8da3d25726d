package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A user is somebody with an account, by login, which is the sub as well.
type user struct {
	Groups   []string
	Disabled bool
}

// state is what a restart does not lose.
type state struct {
	CryptoKey [32]byte
	Keys      []jose.JSONWebKey // the last one signs
	Users     map[string]*user
	Clients   map[string]*client
	Access    map[string]*given // by the id of the token
	Refresh   map[string]*given // by the token
}

// A storage is all that the provider knows. It implements op.Storage.
type storage struct {
	file string

	mu       sync.Mutex
	requests map[string]*signIn
	codes    map[string]string // id of the request
	state
}

var _ op.Storage = (*storage)(nil)

func openStorage(file string) (*storage, error) {
	s := &storage{file: file, requests: map[string]*signIn{}, codes: map[string]string{}}
	data, err := os.ReadFile(file)
	if err == nil {
		return s, json.Unmarshal(data, &s.state)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s.Users, s.Clients = map[string]*user{}, map[string]*client{}
	s.Access, s.Refresh = map[string]*given{}, map[string]*given{}
	copy(s.CryptoKey[:], rand.Text()+rand.Text())
	s.newKey()
	return s, nil
}

// save writes the state. The caller holds mu.
func (s *storage) save() {
	data, err := json.Marshal(s.state)
	if err == nil {
		err = os.WriteFile(s.file, data, 0o600)
	}
	if err != nil {
		log.Fatal("save: ", err)
	}
}

// newKey signs from now on. Nothing that an older one signed is good any more.
func (s *storage) newKey() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	s.Keys = []jose.JSONWebKey{{Key: key, KeyID: rand.Text(), Algorithm: string(jose.ES256), Use: "sig"}}
}

// A key implements op.SigningKey and op.Key.
type key struct {
	id    string
	value any
}

func (k key) ID() string                                  { return k.id }
func (k key) Key() any                                    { return k.value }
func (k key) Use() string                                 { return "sig" }
func (k key) Algorithm() jose.SignatureAlgorithm          { return jose.ES256 }
func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return key{s.Keys[0].KeyID, s.Keys[0].Key}, nil
}

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []op.Key{key{s.Keys[0].KeyID, s.Keys[0].Public().Key}}, nil
}

func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := &signIn{id: rand.Text(), begun: time.Now(), AuthRequest: r}
	s.requests[request.id] = request
	return request, nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := s.requests[id]
	if request == nil {
		return nil, errors.New("no such request")
	}
	return request, nil
}

func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// granted is what a request gives a client.
type granted interface {
	op.TokenRequest
	GetClientID() string
	GetAuthTime() time.Time
}

// give makes a token of a map of them. The caller holds mu.
func (s *storage) give(tokens map[string]*given, r op.TokenRequest, ttl time.Duration) (string, time.Time, error) {
	g, ok := r.(granted)
	if !ok {
		return "", time.Time{}, errors.New("this kind of request gives no tokens")
	}
	token := rand.Text()
	tokens[token] = &given{
		Login: g.GetSubject(), ClientID: g.GetClientID(), Scopes: g.GetScopes(), AuthTime: g.GetAuthTime(),
		Expiry: time.Now().Add(ttl),
	}
	return token, tokens[token].Expiry, nil
}

func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	return s.give(s.Access, r, 5*time.Minute)
}

// CreateAccessAndRefreshTokens rotates: a refresh token works once.
func (s *storage) CreateAccessAndRefreshTokens(
	_ context.Context, r op.TokenRequest, current string,
) (access, refresh string, expiry time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	if current != "" && s.Refresh[current] == nil {
		return "", "", time.Time{}, oidc.ErrInvalidGrant()
	}
	delete(s.Refresh, current)
	if refresh, _, err = s.give(s.Refresh, r, time.Hour); err != nil {
		return "", "", time.Time{}, err
	}
	access, expiry, err = s.give(s.Access, r, 5*time.Minute)
	return access, refresh, expiry, err
}

func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.Refresh[token]
	if g == nil || s.Users[g.Login] == nil || s.Users[g.Login].Disabled {
		return nil, errors.New("no such token")
	}
	return g, nil
}

func (s *storage) TerminateSession(_ context.Context, login, clientID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	theirs := func(_ string, g *given) bool { return g.Login == login && g.ClientID == clientID }
	maps.DeleteFunc(s.Access, theirs)
	maps.DeleteFunc(s.Refresh, theirs)
	return nil
}

func (s *storage) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.save()
	delete(s.Access, token)
	delete(s.Refresh, token)
	return nil
}

func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (login, id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.Refresh[token]
	if g == nil {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.Login, token, nil
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.Clients[id]
	if c == nil {
		return nil, errors.New("no such client")
	}
	return c, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.Clients[id]; c == nil || c.Secret != secret {
		return errors.New("no such client, or another secret")
	}
	return nil
}

// SetUserinfoFromScopes says who somebody is in an ID token.
func (s *storage) SetUserinfoFromScopes(
	_ context.Context, info *oidc.UserInfo, login, _ string, scopes []string,
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.Users[login]
	if u == nil {
		return errors.New("no such account")
	}
	info.Subject = login
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.PreferredUsername, info.Name = login, login
		info.AppendClaims("groups", append([]string{}, u.Groups...))
	}
	return nil
}

// SetUserinfoFromToken says who somebody is at user-info.
func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, id, login, _ string) error {
	s.mu.Lock()
	g := s.Access[id]
	s.mu.Unlock()
	if g == nil || g.Expiry.Before(time.Now()) {
		return errors.New("no such token")
	}
	return s.SetUserinfoFromScopes(ctx, info, login, g.ClientID, g.Scopes)
}

var errNotOffered = errors.New("not offered here")

func (s *storage) SetIntrospectionFromToken(
	context.Context, *oidc.IntrospectionResponse, string, string, string,
) error {
	return errNotOffered
}

func (s *storage) GetPrivateClaimsFromScopes(
	context.Context, string, string, []string,
) (map[string]any, error) {
	return nil, nil
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotOffered
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotOffered
}

func (s *storage) Health(context.Context) error { return nil }
