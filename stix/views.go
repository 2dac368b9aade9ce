package stix

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode decodes the object into v, a pointer to one of the views of this package
// or to a struct of the caller's with json tags. Properties that v does not have
// are left out; nothing can be written back.
func (o *Object) Decode(v any) error {
	if err := json.Unmarshal(o.Raw, v); err != nil {
		return fmt.Errorf("stix: %s: %w", o.ID, err)
	}
	return nil
}

// Extension decodes one of the object's extensions into v, as Decode does. ok is false if
// the object has none of that name.
func (o *Object) Extension(name string, v any) (ok bool, err error) {
	ext := o.Root().Member("extensions").Member(name)
	if ext.Kind() == KindInvalid {
		return false, nil
	}
	if err := json.Unmarshal(ext.Raw(), v); err != nil {
		return true, fmt.Errorf("stix: %s: extension %s: %w", o.ID, quoteShort(name), err)
	}
	return true, nil
}

// View decodes the object into the view of its type: *[Indicator], *[File] and so on. It
// gives nil for a type without one, and for a bundle.
func (o *Object) View() (any, error) {
	v := viewOf(o.Type)
	if v == nil {
		return nil, nil
	}
	if err := o.Decode(v); err != nil {
		return nil, err
	}
	return v, nil
}

// viewOf gives an empty view for a type, nil for one without.
func viewOf(typ string) any {
	switch typ {
	case "attack-pattern":
		return new(AttackPattern)
	case "campaign":
		return new(Campaign)
	case "course-of-action":
		return new(CourseOfAction)
	case "grouping":
		return new(Grouping)
	case "identity":
		return new(Identity)
	case "incident":
		return new(Incident)
	case "indicator":
		return new(Indicator)
	case "infrastructure":
		return new(Infrastructure)
	case "intrusion-set":
		return new(IntrusionSet)
	case "location":
		return new(Location)
	case "malware":
		return new(Malware)
	case "malware-analysis":
		return new(MalwareAnalysis)
	case "note":
		return new(Note)
	case "observed-data":
		return new(ObservedData)
	case "opinion":
		return new(Opinion)
	case "report":
		return new(Report)
	case "threat-actor":
		return new(ThreatActor)
	case "tool":
		return new(Tool)
	case "vulnerability":
		return new(Vulnerability)
	case "relationship":
		return new(Relationship)
	case "sighting":
		return new(Sighting)
	case "language-content":
		return new(LanguageContent)
	case "marking-definition":
		return new(MarkingDefinition)
	case "extension-definition":
		return new(ExtensionDefinition)
	case "artifact":
		return new(Artifact)
	case "autonomous-system":
		return new(AutonomousSystem)
	case "directory":
		return new(Directory)
	case "domain-name":
		return new(DomainName)
	case emailAddr:
		return new(EmailAddr)
	case "email-message":
		return new(EmailMessage)
	case "file":
		return new(File)
	case "ipv4-addr", "ipv6-addr":
		return new(IPAddr)
	case "mac-addr":
		return new(MACAddr)
	case "mutex":
		return new(Mutex)
	case networkTraffic:
		return new(NetworkTraffic)
	case "process":
		return new(Process)
	case software:
		return new(Software)
	case "url":
		return new(URL)
	case userAccount:
		return new(UserAccount)
	case "windows-registry-key":
		return new(WindowsRegistryKey)
	case "x509-certificate":
		return new(X509Certificate)
	}
	return nil
}

// Common are the properties that most objects share (STIX 2.1 §3.2).
type Common struct {
	Type               string                    `json:"type"`
	SpecVersion        string                    `json:"spec_version"`
	ID                 string                    `json:"id"`
	CreatedByRef       string                    `json:"created_by_ref"`
	Created            Timestamp                 `json:"created"`
	Modified           Timestamp                 `json:"modified"`
	Revoked            bool                      `json:"revoked"`
	Labels             []string                  `json:"labels"`
	Confidence         *int                      `json:"confidence"`
	Lang               string                    `json:"lang"`
	ExternalReferences []ExternalReference       `json:"external_references"`
	ObjectMarkingRefs  []string                  `json:"object_marking_refs"`
	GranularMarkings   []GranularMarking         `json:"granular_markings"`
	Extensions         map[string]jsontext.Value `json:"extensions"`
}

// ExternalReference points to something outside of STIX (STIX 2.1 §2.5).
type ExternalReference struct {
	SourceName  string            `json:"source_name"`
	Description string            `json:"description"`
	URL         string            `json:"url"`
	Hashes      map[string]string `json:"hashes"`
	ExternalID  string            `json:"external_id"`
}

// KillChainPhase is a phase of an attack (STIX 2.1 §2.11).
type KillChainPhase struct {
	KillChainName string `json:"kill_chain_name"`
	PhaseName     string `json:"phase_name"`
}

// Indicator is STIX 2.1 §4.7.
type Indicator struct {
	Common
	Name            string           `json:"name"`
	Description     string           `json:"description"`
	IndicatorTypes  []string         `json:"indicator_types"`
	Pattern         string           `json:"pattern"`
	PatternType     string           `json:"pattern_type"`
	PatternVersion  string           `json:"pattern_version"`
	ValidFrom       Timestamp        `json:"valid_from"`
	ValidUntil      Timestamp        `json:"valid_until"`
	KillChainPhases []KillChainPhase `json:"kill_chain_phases"`
}

// Relationship is STIX 2.1 §5.1.
type Relationship struct {
	Common
	RelationshipType string    `json:"relationship_type"`
	Description      string    `json:"description"`
	SourceRef        string    `json:"source_ref"`
	TargetRef        string    `json:"target_ref"`
	StartTime        Timestamp `json:"start_time"`
	StopTime         Timestamp `json:"stop_time"`
}

// Sighting is STIX 2.1 §5.2.
type Sighting struct {
	Common
	Description      string    `json:"description"`
	FirstSeen        Timestamp `json:"first_seen"`
	LastSeen         Timestamp `json:"last_seen"`
	Count            *int64    `json:"count"`
	SightingOfRef    string    `json:"sighting_of_ref"`
	ObservedDataRefs []string  `json:"observed_data_refs"`
	WhereSightedRefs []string  `json:"where_sighted_refs"`
	Summary          bool      `json:"summary"`
}

// Report is STIX 2.1 §4.16.
type Report struct {
	Common
	Name        string    `json:"name"`
	Description string    `json:"description"`
	ReportTypes []string  `json:"report_types"`
	Published   Timestamp `json:"published"`
	ObjectRefs  []string  `json:"object_refs"`
}

// Identity is STIX 2.1 §4.5.
type Identity struct {
	Common
	Name               string   `json:"name"`
	Description        string   `json:"description"`
	Roles              []string `json:"roles"`
	IdentityClass      string   `json:"identity_class"`
	Sectors            []string `json:"sectors"`
	ContactInformation string   `json:"contact_information"`
}

// ObservedData is STIX 2.1 §4.14.
type ObservedData struct {
	Common
	FirstObserved  Timestamp `json:"first_observed"`
	LastObserved   Timestamp `json:"last_observed"`
	NumberObserved int64     `json:"number_observed"`
	// Objects is the deprecated container, local keys to cyber-observables.
	Objects    map[string]jsontext.Value `json:"objects"`
	ObjectRefs []string                  `json:"object_refs"`
}

// MarkingDefinition is STIX 2.1 §7.2.1.
type MarkingDefinition struct {
	Common
	Name           string         `json:"name"`
	DefinitionType string         `json:"definition_type"`
	Definition     jsontext.Value `json:"definition"`
}

// ExtensionDefinition is STIX 2.1 §7.3.
type ExtensionDefinition struct {
	Common
	Name                string   `json:"name"`
	Description         string   `json:"description"`
	Schema              string   `json:"schema"`
	Version             string   `json:"version"`
	ExtensionTypes      []string `json:"extension_types"`
	ExtensionProperties []string `json:"extension_properties"`
}

// LanguageContent is STIX 2.1 §7.1: Contents maps a language to properties and
// their translations.
type LanguageContent struct {
	Common
	ObjectRef      string                               `json:"object_ref"`
	ObjectModified Timestamp                            `json:"object_modified"`
	Contents       map[string]map[string]jsontext.Value `json:"contents"`
}
