package activities

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
)

// However many offboardings run, each reads no more of the others than so many pages, and says where that was not all.
func TestTheOthersAreLookedThroughWithinABound(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	memo := func(id string, since time.Time) *commonpb.Memo {
		field, err := converter.GetDefaultDataConverter().ToPayload(leaver.Offboards{IDs: []string{id}, Since: since})
		require.NoError(t, err)
		return &commonpb.Memo{Fields: map[string]*commonpb.Payload{leaver.MemoOffboards: field}}
	}
	request := leaver.OnlyRequest{WorkflowID: "own", Offboards: leaver.Offboards{Since: began, IDs: []string{"adele"}}}
	for name, c := range map[string]struct {
		pages, at, reads int
		since            time.Time
		other, unread    string
	}{
		"none":                  {pages: 3, at: -1, reads: 3},
		"one that is earlier":   {pages: 3, at: 1, since: began.Add(-time.Minute), reads: 2, other: "page 1"},
		"one that is later":     {pages: 3, at: 1, since: began.Add(time.Minute), reads: 3},
		"more than are read":    {pages: 1000, at: -1, reads: mostPages, unread: "more offboardings run than are looked through"},
		"as many as are read":   {pages: mostPages, at: -1, reads: mostPages},
		"one behind the bounds": {pages: 1000, at: 999, since: began.Add(-time.Minute), reads: mostPages, unread: "more offboardings run than are looked through"},
	} {
		reads := 0
		list := func(_ context.Context, query *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
			execution := &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: fmt.Sprint("page ", reads)}, Memo: memo("megan", began.Add(-time.Hour))}
			if reads == c.at {
				execution.Memo = memo("adele", c.since)
			}
			page := &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{execution}}
			if reads++; reads < c.pages {
				page.NextPageToken = []byte{1}
			}
			return page, nil
		}
		found, unread, err := findOther(t.Context(), list, request)
		require.NoError(t, err)
		assert.Equal(t, c.other, found.Other, name)
		assert.Equal(t, c.unread, unread, name)
		assert.Equal(t, c.reads, reads, name)
	}
}
