// Package firestoretest is a Firestore in memory that can fail as the real one does: a
// gRPC server that answers what shared/store/firestoredriver asks, or with a status that
// a test chose. The emulator knows neither missing databases nor permissions.
//
// A client finds it as it finds the emulator, through FIRESTORE_EMULATOR_HOST.
package firestoretest

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A Server is a Firestore. Every database of every project exists and is empty at first.
type Server struct {
	firestorepb.UnimplementedFirestoreServer

	// Address is host:port.
	Address string

	mu        sync.Mutex
	clock     time.Time // of the last commit; each is a microsecond later
	documents map[string]*firestorepb.Document
	faults    map[string]error // by project
	before    func()           // called once, before the next commit
}

// Start starts a server that runs until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Address: listener.Addr().String(), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		documents: map[string]*firestorepb.Document{}, faults: map[string]error{},
	}
	server := grpc.NewServer()
	firestorepb.RegisterFirestoreServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s
}

// Fail answers everything that is asked of a project with fault from now on; nil answers
// again.
func (s *Server) Fail(project string, fault error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[project] = fault
}

// BeforeCommit has f called before the next commit is looked at, once. f may use the server.
func (s *Server) BeforeCommit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// fault returns the error of the project that a database belongs to. The caller holds mu.
func (s *Server) fault(database string) error {
	project, _, _ := strings.Cut(strings.TrimPrefix(database, "projects/"), "/")
	return s.faults[project]
}

// BatchGetDocuments implements [firestorepb.FirestoreServer].
func (s *Server) BatchGetDocuments(
	r *firestorepb.BatchGetDocumentsRequest, out firestorepb.Firestore_BatchGetDocumentsServer,
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fault(r.GetDatabase()); err != nil {
		return err
	}
	for _, name := range r.GetDocuments() {
		answer := &firestorepb.BatchGetDocumentsResponse{ReadTime: timestamppb.New(s.clock)}
		if d := s.documents[name]; d != nil {
			answer.Result = &firestorepb.BatchGetDocumentsResponse_Found{Found: d}
		} else {
			answer.Result = &firestorepb.BatchGetDocumentsResponse_Missing{Missing: name}
		}
		if err := out.Send(answer); err != nil {
			return err
		}
	}
	return nil
}

// Commit implements [firestorepb.FirestoreServer]: every write happens, or none.
func (s *Server) Commit(_ context.Context, r *firestorepb.CommitRequest) (*firestorepb.CommitResponse, error) {
	s.interrupt()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fault(r.GetDatabase()); err != nil {
		return nil, err
	}
	s.clock = s.clock.Add(time.Microsecond)
	now := timestamppb.New(s.clock)
	after := map[string]*firestorepb.Document{}
	answer := &firestorepb.CommitResponse{CommitTime: now}
	for _, w := range r.GetWrites() {
		name := w.GetDelete()
		if w.GetUpdate() != nil {
			name = w.GetUpdate().GetName()
		}
		present, touched := after[name]
		if !touched {
			present = s.documents[name]
		}
		if err := holds(w.GetCurrentDocument(), name, present); err != nil {
			return nil, err
		}
		after[name] = written(w, present, now)
		answer.WriteResults = append(answer.WriteResults, &firestorepb.WriteResult{UpdateTime: now})
	}
	for name, d := range after {
		s.documents[name] = d
		if d == nil {
			delete(s.documents, name)
		}
	}
	return answer, nil
}

// interrupt calls what BeforeCommit has left.
func (s *Server) interrupt() {
	s.mu.Lock()
	f := s.before
	s.before = nil
	s.mu.Unlock()
	if f != nil {
		f()
	}
}

// holds returns the status of a condition that does not hold, as Firestore gives it.
func holds(c *firestorepb.Precondition, name string, present *firestorepb.Document) error {
	switch condition := c.GetConditionType().(type) {
	case *firestorepb.Precondition_Exists:
		if condition.Exists && present == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		}
		if !condition.Exists && present != nil {
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", name)
		}
	case *firestorepb.Precondition_UpdateTime:
		if present == nil {
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		}
		if !proto.Equal(present.GetUpdateTime(), condition.UpdateTime) {
			return status.Errorf(codes.FailedPrecondition,
				"the stored version does not match the required base version: %s", name)
		}
	}
	return nil
}

// written returns what a write makes of a document, nil when it deletes it.
func written(w *firestorepb.Write, present *firestorepb.Document, now *timestamppb.Timestamp) *firestorepb.Document {
	update := w.GetUpdate()
	if update == nil {
		return nil
	}
	d := &firestorepb.Document{Name: update.GetName(), CreateTime: now, UpdateTime: now, Fields: update.GetFields()}
	if present != nil {
		d.CreateTime = present.GetCreateTime()
	}
	return d
}
