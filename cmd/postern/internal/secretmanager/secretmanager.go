// Package secretmanager keeps the rings of keys in Google Secret Manager: a secret for
// each, whose newest version is the ring as the functions read it.
//
// A version cannot be written on the condition that another is still the newest. So
// who writes first takes a lease, an annotation of the secret that only one can set
// (its etag says whether somebody else was faster), looks whether the ring is still
// the one that was read, adds the version, and gives the lease back. A lease left
// behind by a crash ends by itself.
package secretmanager

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"time"

	api "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/origin"
)

// callTimeout bounds one call, the client's own retries included.
const callTimeout = 20 * time.Second

// A Backend keeps the rings of one project. It is safe for concurrent use.
type Backend struct {
	client  *api.Client
	project string

	// NamePrefix is that of the deployment in Terraform: the secrets are called PREFIX-RING. Empty
	// and postern mean RING alone.
	NamePrefix string
}

var _ keyring.Backend = (*Backend)(nil)

// New returns the rings in project, by application default credentials unless the
// options say otherwise. It does no network I/O.
func New(ctx context.Context, project string, opts ...option.ClientOption) (*Backend, error) {
	client, err := api.NewClient(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("open Secret Manager: %w", err)
	}
	return &Backend{client: client, project: project}, nil
}

// Local returns the options for a stand-in of Secret Manager at a loopback address,
// host:port: no credentials, no TLS.
func Local(address string) ([]option.ClientOption, error) {
	if !origin.LoopbackPeer(address) {
		return nil, fmt.Errorf("%q is not a loopback address with a port, like 127.0.0.1:8090", address)
	}
	return []option.ClientOption{
		option.WithEndpoint(address),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}, nil
}

// Close ends the connections.
func (b *Backend) Close() error { return b.client.Close() }

// String names the project.
func (b *Backend) String() string { return "Secret Manager of " + b.project }

func (b *Backend) secret(ring string) string {
	return "projects/" + b.project + "/secrets/" + b.id(ring)
}

// id is the last word of a secret's name.
func (b *Backend) id(ring string) string {
	if b.NamePrefix == "" || b.NamePrefix == "postern" {
		return ring
	}
	return b.NamePrefix + "-" + ring
}

// Read implements [keyring.Backend].
func (b *Backend) Read(ctx context.Context, ring string) (keyring.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	latest := b.secret(ring) + "/versions/latest"
	version, err := b.client.GetSecretVersion(ctx, &pb.GetSecretVersionRequest{Name: latest})
	if status.Code(err) == codes.NotFound {
		return keyring.Version{}, fmt.Errorf("secret %s: %w: postern keys create makes it",
			b.id(ring), keyring.ErrMissing)
	}
	if err != nil {
		return keyring.Version{}, explain(err)
	}
	if version.State != pb.SecretVersion_ENABLED {
		return keyring.Version{}, fmt.Errorf("secret %s: version %s is the newest and %s: servers cannot read it. "+
			"Enable it, or add a version with a good ring", ring, path.Base(version.Name), version.State)
	}
	// By its number: a newer version may have come meanwhile.
	data, err := b.access(ctx, version.Name)
	if err != nil {
		return keyring.Version{}, err
	}
	return keyring.Version{ID: path.Base(version.Name), Since: version.CreateTime.AsTime(), Data: data}, nil
}

func (b *Backend) access(ctx context.Context, version string) ([]byte, error) {
	got, err := b.client.AccessSecretVersion(ctx, &pb.AccessSecretVersionRequest{Name: version})
	if err != nil {
		return nil, explain(err)
	}
	if sum := got.Payload.DataCrc32C; sum != nil && *sum != checksum(got.Payload.Data) {
		return nil, errors.New("the secret was damaged on its way: its checksum differs")
	}
	return got.Payload.Data, nil
}

// Write implements [keyring.Backend].
func (b *Backend) Write(ctx context.Context, ring, old string, data []byte) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	lease, err := b.lease(ctx, ring)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.end(ctx)) }()
	present, err := b.newest(ctx, ring)
	if err != nil {
		return err
	}
	if present != old {
		return keyring.ErrConflict
	}
	sum := checksum(data)
	_, err = b.client.AddSecretVersion(ctx, &pb.AddSecretVersionRequest{
		Parent:  b.secret(ring),
		Payload: &pb.SecretPayload{Data: data, DataCrc32C: &sum},
	})
	return explain(err)
}

// newest returns the number of the newest version in whatever state, or "".
func (b *Backend) newest(ctx context.Context, ring string) (string, error) {
	latest := &pb.GetSecretVersionRequest{Name: b.secret(ring) + "/versions/latest"}
	version, err := b.client.GetSecretVersion(ctx, latest)
	if status.Code(err) == codes.NotFound {
		return "", nil
	}
	if err != nil {
		return "", explain(err)
	}
	return path.Base(version.Name), nil
}

// Trim implements [keyring.Backend]. Where the secret has a version_destroy_ttl, what
// is destroyed here can be had back until that has passed.
func (b *Backend) Trim(ctx context.Context, ring string, keep int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	versions := b.client.ListSecretVersions(ctx, &pb.ListSecretVersionsRequest{Parent: b.secret(ring)}) // newest first
	destroyed, seen := 0, 0
	for {
		v, err := versions.Next()
		if errors.Is(err, iterator.Done) {
			return destroyed, nil
		}
		if err != nil {
			return destroyed, explain(err)
		}
		if v.State == pb.SecretVersion_DESTROYED || v.ScheduledDestroyTime != nil {
			continue
		}
		if seen++; seen <= max(keep, 1) {
			continue
		}
		old := &pb.DestroySecretVersionRequest{Name: v.Name, Etag: v.Etag}
		if _, err := b.client.DestroySecretVersion(ctx, old); err != nil {
			return destroyed, explain(err)
		}
		destroyed++
	}
}

func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

// explain says what an operator can do about an error.
func explain(err error) error {
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.Unavailable, codes.DeadlineExceeded:
		return fmt.Errorf("%w (this computer has to reach secretmanager.googleapis.com, "+
			"or SECRETMANAGER_EMULATOR_HOST if that is set)", err)
	case codes.PermissionDenied:
		return fmt.Errorf("%w (roles/secretmanager.admin on the secret allows it)", err)
	case codes.Unauthenticated:
		return fmt.Errorf("%w (gcloud auth application-default login signs in)", err)
	}
	return err
}
