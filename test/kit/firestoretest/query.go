package firestoretest

import (
	"slices"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// RunQuery implements [firestorepb.FirestoreServer] for the one form that the driver
// sends: a collection in the order of names, after a name, with at most one equality.
func (s *Server) RunQuery(r *firestorepb.RunQueryRequest, out firestorepb.Firestore_RunQueryServer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	database, _, _ := strings.Cut(r.GetParent(), "/documents")
	if err := s.fault(database); err != nil {
		return err
	}
	q := r.GetStructuredQuery()
	names := s.selected(r.GetParent()+"/"+q.GetFrom()[0].GetCollectionId()+"/", q)
	for i, name := range names {
		if i == int(q.GetLimit().GetValue()) {
			break
		}
		answer := &firestorepb.RunQueryResponse{Document: s.documents[name], ReadTime: timestamppb.New(s.clock)}
		if err := out.Send(answer); err != nil {
			return err
		}
	}
	return nil
}

// selected returns the names of the documents below a path that a query selects, sorted.
func (s *Server) selected(below string, q *firestorepb.StructuredQuery) []string {
	after := ""
	if values := q.GetStartAt().GetValues(); len(values) > 0 {
		after = values[0].GetReferenceValue()
	}
	equality := q.GetWhere().GetFieldFilter()
	var names []string
	for name, d := range s.documents {
		value, has := d.GetFields()[equality.GetField().GetFieldPath()]
		fits := equality == nil || has && value.GetStringValue() == equality.GetValue().GetStringValue()
		if fits && strings.HasPrefix(name, below) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
