package secretmanager_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager/secretmanagertest"
)

const (
	project = "acme-mcp"
	ring    = keyring.Fernet
)

// open returns a backend over a new server with one empty secret.
func open(t *testing.T) (*secretmanager.Backend, *secretmanagertest.Server) {
	t.Helper()
	server := secretmanagertest.Start(t, project, ring)
	local, err := secretmanager.Local(server.Address)
	if err != nil {
		t.Fatal(err)
	}
	b, err := secretmanager.New(t.Context(), project, local...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, server
}

// write writes versions, one over the other.
func write(t *testing.T, b *secretmanager.Backend, versions ...string) {
	t.Helper()
	for _, data := range versions {
		v, err := b.Read(t.Context(), ring)
		if err != nil && !errors.Is(err, keyring.ErrMissing) {
			t.Fatal(err)
		}
		if err := b.Write(t.Context(), ring, v.ID, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecretThatTerraformDidNotMakeIsNamed(t *testing.T) {
	t.Parallel()
	b, _ := open(t)
	err := b.Write(t.Context(), keyring.Signing, "", []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "terraform apply") {
		t.Errorf("got %v, want what makes it", err)
	}
}

// A newest version that is disabled makes servers fail to read, and must not be written
// over without looking.
func TestDisabledNewestVersionIsNoMissingRing(t *testing.T) {
	t.Parallel()
	b, server := open(t)
	write(t, b, "one")
	name := "projects/" + project + "/secrets/" + ring + "/versions/1"
	_, err := server.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Read(t.Context(), ring)
	if err == nil || errors.Is(err, keyring.ErrMissing) ||
		!strings.Contains(err.Error(), "version 1 is the newest and DISABLED") {
		t.Errorf("got %v, want that version 1 is disabled", err)
	}
	if err := b.Write(t.Context(), ring, "", []byte("x")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("write: got %v, want ErrConflict", err)
	}
}

func TestTrimKeepsTheNewest(t *testing.T) {
	t.Parallel()
	b, server := open(t)
	write(t, b, "one", "two", "three", "four")
	n, err := b.Trim(t.Context(), ring, 2)
	if err != nil || n != 2 {
		t.Errorf("got %d, %v, want 2 destroyed", n, err)
	}
	gone, kept := pb.SecretVersion_DESTROYED, pb.SecretVersion_ENABLED
	if diff := cmp.Diff([]pb.SecretVersion_State{gone, gone, kept, kept}, server.Versions(project, ring)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if n, err := b.Trim(t.Context(), ring, 0); err != nil || n != 1 {
		t.Errorf("keep none: got %d, %v, want all but the newest destroyed", n, err)
	}
	if v, err := b.Read(t.Context(), ring); err != nil || string(v.Data) != "four" {
		t.Errorf("got %q, %v", v.Data, err)
	}
}

// The lease leaves nothing behind, whether the write worked or not, and spares what
// terraform wrote.
func TestLeaseIsGivenBack(t *testing.T) {
	t.Parallel()
	b, server := open(t)
	write(t, b, "one")
	want := map[string]string{"purpose": "test"}
	if diff := cmp.Diff(want, server.Annotations(project, ring)); diff != "" {
		t.Errorf("after a write (-want +got):\n%s", diff)
	}
	server.Fault(func(method string) error {
		if method == "AddSecretVersion" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	})
	err := b.Write(t.Context(), ring, "1", []byte("two"))
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "roles/secretmanager.admin") {
		t.Errorf("got %v, want what role allows it", err)
	}
	if diff := cmp.Diff(want, server.Annotations(project, ring)); diff != "" {
		t.Errorf("after a refused write (-want +got):\n%s", diff)
	}
}

// Who is between taking the lease and adding the version keeps others out; a lease that
// a crash left behind does not, once its time is over.
func TestLeaseKeepsOthersOutUntilItEnds(t *testing.T) {
	t.Parallel()
	b, server := open(t)
	name := "projects/" + project + "/secrets/" + ring
	lease := func(value string) {
		t.Helper()
		secret, err := server.GetSecret(t.Context(), &pb.GetSecretRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		secret.Annotations["postern-writing"] = value
		if err := update(t, server, secret); err != nil {
			t.Fatal(err)
		}
	}
	lease("9999-01-01T00:00:00Z someone")
	if err := b.Write(t.Context(), ring, "", []byte("x")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("in force: got %v, want ErrConflict", err)
	}
	lease("2026-01-01T00:00:00Z someone")
	if err := b.Write(t.Context(), ring, "", []byte("x")); err != nil {
		t.Errorf("ended: got %v", err)
	}
}

// Two who take the lease at the same moment notice each other by its etag.
func TestLeaseTakenMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	b, server := open(t)
	var once atomic.Bool
	server.Fault(func(method string) error {
		if method == "UpdateSecret" && once.CompareAndSwap(false, true) {
			name := "projects/" + project + "/secrets/" + ring
			secret, err := server.GetSecret(t.Context(), &pb.GetSecretRequest{Name: name})
			if err != nil {
				return err
			}
			return update(t, server, secret)
		}
		return nil
	})
	if err := b.Write(t.Context(), ring, "", []byte("x")); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if got := server.Versions(project, ring); len(got) != 0 {
		t.Errorf("got %d versions, want none", len(got))
	}
}

func TestStandInIsOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	addresses := []string{"", "127.0.0.1", "192.0.2.1:443", "secretmanager.googleapis.com:443", "localhost:1"}
	for _, address := range addresses {
		if _, err := secretmanager.Local(address); err == nil {
			t.Errorf("%q: accepted", address)
		}
	}
}

func update(t *testing.T, server *secretmanagertest.Server, secret *pb.Secret) error {
	t.Helper()
	_, err := server.UpdateSecret(t.Context(), &pb.UpdateSecretRequest{Secret: secret, UpdateMask: annotations()})
	return err
}

func annotations() *fieldmaskpb.FieldMask {
	return &fieldmaskpb.FieldMask{Paths: []string{"annotations"}}
}
