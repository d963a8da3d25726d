// Package secretmanagertest is a stand-in for Secret Manager, over gRPC on loopback, for
// tests. It has what package secretmanager uses, with etags, states and checksums, and
// can be made to fail.
package secretmanagertest

import (
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A Server is Secret Manager with the secrets of one project in memory.
type Server struct {
	pb.UnimplementedSecretManagerServiceServer

	// Address is where it listens, host:port.
	Address string

	mu      sync.Mutex
	secrets map[string]*secret
	etags   int
	fault   func(method string) error
}

type secret struct {
	pb       *pb.Secret
	versions []*pb.SecretVersion // oldest first
	payloads [][]byte
}

// Start returns a server that ends with the test, with empty secrets of those names
// in the project.
func Start(t testing.TB, project string, secrets ...string) *Server {
	t.Helper()
	s := &Server{secrets: map[string]*secret{}}
	for _, name := range secrets {
		full := "projects/" + project + "/secrets/" + name
		annotations := map[string]string{"purpose": "test"}
		s.secrets[full] = &secret{pb: &pb.Secret{Name: full, Etag: s.etag(), Annotations: annotations}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	server := grpc.NewServer(grpc.UnaryInterceptor(s.intercept))
	pb.RegisterSecretManagerServiceServer(server, s)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return s
}

// Fault makes every call ask f first, by the method's short name like
// "AddSecretVersion"; nil ends that.
func (s *Server) Fault(f func(method string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *Server) intercept(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		if err := fault(info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:]); err != nil {
			return nil, err
		}
	}
	return handler(ctx, req)
}

func (s *Server) etag() string {
	s.etags++
	return fmt.Sprintf("%q", strconv.Itoa(s.etags))
}

func (s *Server) secret(name string) (*secret, error) {
	if found := s.secrets[name]; found != nil {
		return found, nil
	}
	return nil, status.Errorf(codes.NotFound, "Secret [%s] not found.", name)
}

// version finds a version by its name, whose last part is a number or "latest".
func (s *Server) version(name string) (*secret, int, error) {
	parent, id, _ := strings.Cut(name, "/versions/")
	found, err := s.secret(parent)
	if err != nil {
		return nil, 0, err
	}
	at := len(found.versions) - 1
	if id != "latest" {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, 0, status.Error(codes.InvalidArgument, "no version number")
		}
		at = n - 1
	}
	if at < 0 || at >= len(found.versions) {
		return nil, 0, status.Errorf(codes.NotFound, "Secret Version [%s] not found.", name)
	}
	return found, at, nil
}

// GetSecret implements the service.
func (s *Server) GetSecret(_ context.Context, r *pb.GetSecretRequest) (*pb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.secret(r.Name)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(found.pb), nil
}

// UpdateSecret implements the service, for annotations.
func (s *Server) UpdateSecret(_ context.Context, r *pb.UpdateSecretRequest) (*pb.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.secret(r.Secret.Name)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(r.UpdateMask.GetPaths(), []string{"annotations"}) {
		return nil, status.Error(codes.InvalidArgument, "only annotations change here")
	}
	if r.Secret.Etag != "" && r.Secret.Etag != found.pb.Etag {
		return nil, status.Error(codes.FailedPrecondition, "The etag provided does not match the current one.")
	}
	found.pb.Annotations, found.pb.Etag = r.Secret.Annotations, s.etag()
	return proto.CloneOf(found.pb), nil
}

// AddSecretVersion implements the service.
func (s *Server) AddSecretVersion(_ context.Context, r *pb.AddSecretVersionRequest) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.secret(r.Parent)
	if err != nil {
		return nil, err
	}
	if len(r.Payload.Data) > 64<<10 {
		return nil, status.Error(codes.InvalidArgument, "The payload is larger than 65536 bytes.")
	}
	if sum := r.Payload.DataCrc32C; sum != nil && *sum != checksum(r.Payload.Data) {
		return nil, status.Error(codes.InvalidArgument, "The checksum does not match.")
	}
	version := &pb.SecretVersion{
		Name: r.Parent + "/versions/" + strconv.Itoa(len(found.versions)+1), CreateTime: timestamppb.Now(),
		State: pb.SecretVersion_ENABLED, Etag: s.etag(),
	}
	found.versions = append(found.versions, version)
	found.payloads = append(found.payloads, slices.Clone(r.Payload.Data))
	return proto.CloneOf(version), nil
}

// GetSecretVersion implements the service.
func (s *Server) GetSecretVersion(_ context.Context, r *pb.GetSecretVersionRequest) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, at, err := s.version(r.Name)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(found.versions[at]), nil
}

// AccessSecretVersion implements the service.
func (s *Server) AccessSecretVersion(
	_ context.Context, r *pb.AccessSecretVersionRequest,
) (*pb.AccessSecretVersionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, at, err := s.version(r.Name)
	if err != nil {
		return nil, err
	}
	if state := found.versions[at].State; state != pb.SecretVersion_ENABLED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", r.Name, state)
	}
	sum := checksum(found.payloads[at])
	return &pb.AccessSecretVersionResponse{
		Name:    found.versions[at].Name,
		Payload: &pb.SecretPayload{Data: slices.Clone(found.payloads[at]), DataCrc32C: &sum},
	}, nil
}

// ListSecretVersions implements the service: newest first, in one page.
func (s *Server) ListSecretVersions(
	_ context.Context, r *pb.ListSecretVersionsRequest,
) (*pb.ListSecretVersionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.secret(r.Parent)
	if err != nil {
		return nil, err
	}
	out := &pb.ListSecretVersionsResponse{TotalSize: int32(len(found.versions))}
	for _, v := range slices.Backward(found.versions) {
		out.Versions = append(out.Versions, proto.CloneOf(v))
	}
	return out, nil
}

// DisableSecretVersion implements the service.
func (s *Server) DisableSecretVersion(_ context.Context, r *pb.DisableSecretVersionRequest) (*pb.SecretVersion, error) {
	return s.change(r.Name, r.Etag, pb.SecretVersion_DISABLED)
}

// EnableSecretVersion implements the service.
func (s *Server) EnableSecretVersion(_ context.Context, r *pb.EnableSecretVersionRequest) (*pb.SecretVersion, error) {
	return s.change(r.Name, r.Etag, pb.SecretVersion_ENABLED)
}

// DestroySecretVersion implements the service, as for a secret without
// version_destroy_ttl.
func (s *Server) DestroySecretVersion(_ context.Context, r *pb.DestroySecretVersionRequest) (*pb.SecretVersion, error) {
	return s.change(r.Name, r.Etag, pb.SecretVersion_DESTROYED)
}

func (s *Server) change(name, etag string, state pb.SecretVersion_State) (*pb.SecretVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, at, err := s.version(name)
	if err != nil {
		return nil, err
	}
	v := found.versions[at]
	if etag != "" && etag != v.Etag {
		return nil, status.Error(codes.FailedPrecondition, "The etag provided does not match the current one.")
	}
	if v.State == pb.SecretVersion_DESTROYED {
		return nil, status.Error(codes.FailedPrecondition, "The version is destroyed.")
	}
	v.State, v.Etag = state, s.etag()
	if state == pb.SecretVersion_DESTROYED {
		found.payloads[at] = nil
	}
	return proto.CloneOf(v), nil
}

// Versions returns the states of a secret's versions, oldest first.
func (s *Server) Versions(project, name string) []pb.SecretVersion_State {
	s.mu.Lock()
	defer s.mu.Unlock()
	var states []pb.SecretVersion_State
	for _, v := range s.secrets["projects/"+project+"/secrets/"+name].versions {
		states = append(states, v.State)
	}
	return states
}

// Annotations returns those of a secret.
func (s *Server) Annotations(project, name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets["projects/"+project+"/secrets/"+name].pb.Annotations
}

func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}
