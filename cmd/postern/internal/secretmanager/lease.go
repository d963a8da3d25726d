package secretmanager

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
)

const (
	// annotation is where a lease stands: "until word", the time in RFC 3339.
	annotation = "postern-writing"

	// leaseTime is longer than a write may take, which is callTimeout.
	leaseTime = time.Minute
)

// A lease is the permission to write a ring.
type lease struct {
	b      *Backend
	secret string
	value  string
}

// lease takes the lease of a ring. It returns [keyring.ErrConflict] if somebody has it
// or takes it at the same time, and [keyring.ErrMissing] if there is no such secret.
func (b *Backend) lease(ctx context.Context, ring string) (lease, error) {
	l := lease{b, b.secret(ring), time.Now().Add(leaseTime).UTC().Format(time.RFC3339) + " " + rand.Text()}
	secret, err := b.client.GetSecret(ctx, &pb.GetSecretRequest{Name: l.secret})
	if status.Code(err) == codes.NotFound {
		return lease{}, fmt.Errorf("secret %s: there is no such secret in %s: terraform apply makes it",
			b.id(ring), b.project)
	}
	if err != nil {
		return lease{}, explain(err)
	}
	if taken(secret.Annotations[annotation]) {
		return lease{}, fmt.Errorf("%w (another postern is writing it, or was stopped while it did: "+
			"then it is free again within %s)", keyring.ErrConflict, leaseTime)
	}
	return l, l.set(ctx, secret, l.value)
}

// taken reports whether a lease is in force.
func taken(value string) bool {
	until, _, _ := strings.Cut(value, " ")
	t, err := time.Parse(time.RFC3339, until)
	return err == nil && time.Now().Before(t)
}

// end gives the lease back, unless it ended by itself and somebody else has it. It is
// called even when the caller has given up.
func (l lease) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	secret, err := l.b.client.GetSecret(ctx, &pb.GetSecretRequest{Name: l.secret})
	if err != nil {
		return explain(err)
	}
	if secret.Annotations[annotation] != l.value {
		return nil
	}
	return l.set(ctx, secret, "")
}

// set writes the lease into the secret as it was read, or removes it if value is
// empty. The etag makes two who do so at once notice each other.
func (l lease) set(ctx context.Context, read *pb.Secret, value string) error {
	annotations := maps.Clone(read.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotation] = value
	if value == "" {
		delete(annotations, annotation)
	}
	_, err := l.b.client.UpdateSecret(ctx, &pb.UpdateSecretRequest{
		Secret:     &pb.Secret{Name: l.secret, Etag: read.Etag, Annotations: annotations},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"annotations"}},
	})
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.Aborted:
		return keyring.ErrConflict
	}
	return explain(err)
}
