package leaver

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// CanonicalID is an object id, in any form that a GUID may have, as Graph writes it, and any other text, such as a user
// principal name, in lower case. Unicode would fold letters of other scripts to ASCII ones: these are other names.
func CanonicalID(id string) string {
	if uuid.Validate(id) == nil { // Parse takes any characters for braces
		return uuid.MustParse(id).String()
	}
	return ascii.ToLower(id)
}

// WorkflowID is the workflow id that the starter gives the offboarding of a user, by object id in any form or user
// principal name: the same user always has the same. A name is hashed, because ids stand in logs and addresses.
func WorkflowID(user string) string {
	id := CanonicalID(user)
	if uuid.Validate(id) == nil {
		return "offboard-" + id
	}
	sum := sha256.Sum256([]byte(id))
	return "offboard-" + hex.EncodeToString(sum[:8])
}

// MemoOffboards is the memo of a running offboarding that says whom it is about: an Offboards.
const MemoOffboards = "offboards"

// Offboards says whom an offboarding is about, without a name.
type Offboards struct {
	// IDs are the WorkflowIDs of the leaver's object id and user principal name.
	IDs []string `json:"ids"`
	// Since is when the offboarding was planned.
	Since time.Time `json:"since"`
}

// OffboardsIn reads whom an offboarding is about from its memo: nobody for a dry run, which has none. It fails where
// the memo cannot be read, as where a data converter encrypts it.
func OffboardsIn(memo *commonpb.Memo) (offboards Offboards, err error) {
	if field := memo.GetFields()[MemoOffboards]; field != nil {
		err = converter.GetDefaultDataConverter().FromPayload(field, &offboards)
	}
	return offboards, err
}

// RunningOffboardings is the query by which Temporal lists them.
const RunningOffboardings = "WorkflowType = '" + WorkflowType + "' AND ExecutionStatus = 'Running'"

// OnlyRequest asks whether an offboarding is the only one of its leaver.
type OnlyRequest struct {
	WorkflowID string    `json:"workflowId"`
	Offboards  Offboards `json:"offboards"`
}

// OnlyResult names another offboarding of the same leaver that was planned before, or is empty.
type OnlyResult struct {
	Other string `json:"other,omitempty"`
}
