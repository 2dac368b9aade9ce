package stix

// Views of domain objects (STIX 2.1 §4). A number that may be absent is a pointer.

// AttackPattern is STIX 2.1 §4.1.
type AttackPattern struct {
	Common
	Name            string           `json:"name"`
	Description     string           `json:"description"`
	Aliases         []string         `json:"aliases"`
	KillChainPhases []KillChainPhase `json:"kill_chain_phases"`
}

// Campaign is STIX 2.1 §4.2.
type Campaign struct {
	Common
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Aliases     []string  `json:"aliases"`
	FirstSeen   Timestamp `json:"first_seen"`
	LastSeen    Timestamp `json:"last_seen"`
	Objective   string    `json:"objective"`
}

// CourseOfAction is STIX 2.1 §4.3.
type CourseOfAction struct {
	Common
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Grouping is STIX 2.1 §4.4.
type Grouping struct {
	Common
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Context     string   `json:"context"`
	ObjectRefs  []string `json:"object_refs"`
}

// Incident is STIX 2.1 §4.6, which is only a stub there.
type Incident struct {
	Common
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Infrastructure is STIX 2.1 §4.8.
type Infrastructure struct {
	Common
	Name                string           `json:"name"`
	Description         string           `json:"description"`
	InfrastructureTypes []string         `json:"infrastructure_types"`
	Aliases             []string         `json:"aliases"`
	KillChainPhases     []KillChainPhase `json:"kill_chain_phases"`
	FirstSeen           Timestamp        `json:"first_seen"`
	LastSeen            Timestamp        `json:"last_seen"`
}

// IntrusionSet is STIX 2.1 §4.9.
type IntrusionSet struct {
	Common
	Name                 string    `json:"name"`
	Description          string    `json:"description"`
	Aliases              []string  `json:"aliases"`
	FirstSeen            Timestamp `json:"first_seen"`
	LastSeen             Timestamp `json:"last_seen"`
	Goals                []string  `json:"goals"`
	ResourceLevel        string    `json:"resource_level"`
	PrimaryMotivation    string    `json:"primary_motivation"`
	SecondaryMotivations []string  `json:"secondary_motivations"`
}

// Location is STIX 2.1 §4.10: degrees, and Precision in metres.
type Location struct {
	Common
	Name               string   `json:"name"`
	Description        string   `json:"description"`
	Latitude           *float64 `json:"latitude"`
	Longitude          *float64 `json:"longitude"`
	Precision          *float64 `json:"precision"`
	Region             string   `json:"region"`
	Country            string   `json:"country"`
	AdministrativeArea string   `json:"administrative_area"`
	City               string   `json:"city"`
	StreetAddress      string   `json:"street_address"`
	PostalCode         string   `json:"postal_code"`
}

// Malware is STIX 2.1 §4.11.
type Malware struct {
	Common
	Name                      string           `json:"name"`
	Description               string           `json:"description"`
	MalwareTypes              []string         `json:"malware_types"`
	IsFamily                  bool             `json:"is_family"`
	Aliases                   []string         `json:"aliases"`
	KillChainPhases           []KillChainPhase `json:"kill_chain_phases"`
	FirstSeen                 Timestamp        `json:"first_seen"`
	LastSeen                  Timestamp        `json:"last_seen"`
	OperatingSystemRefs       []string         `json:"operating_system_refs"`
	ArchitectureExecutionEnvs []string         `json:"architecture_execution_envs"`
	ImplementationLanguages   []string         `json:"implementation_languages"`
	Capabilities              []string         `json:"capabilities"`
	SampleRefs                []string         `json:"sample_refs"`
}

// MalwareAnalysis is STIX 2.1 §4.12.
type MalwareAnalysis struct {
	Common
	Product                   string    `json:"product"`
	Version                   string    `json:"version"`
	HostVMRef                 string    `json:"host_vm_ref"`
	OperatingSystemRef        string    `json:"operating_system_ref"`
	InstalledSoftwareRefs     []string  `json:"installed_software_refs"`
	ConfigurationVersion      string    `json:"configuration_version"`
	Modules                   []string  `json:"modules"`
	AnalysisEngineVersion     string    `json:"analysis_engine_version"`
	AnalysisDefinitionVersion string    `json:"analysis_definition_version"`
	Submitted                 Timestamp `json:"submitted"`
	AnalysisStarted           Timestamp `json:"analysis_started"`
	AnalysisEnded             Timestamp `json:"analysis_ended"`
	ResultName                string    `json:"result_name"`
	Result                    string    `json:"result"`
	AnalysisSCORefs           []string  `json:"analysis_sco_refs"`
	SampleRef                 string    `json:"sample_ref"`
}

// Note is STIX 2.1 §4.13.
type Note struct {
	Common
	Abstract   string   `json:"abstract"`
	Content    string   `json:"content"`
	Authors    []string `json:"authors"`
	ObjectRefs []string `json:"object_refs"`
}

// Opinion is STIX 2.1 §4.15. Its property opinion is Judgement here.
type Opinion struct {
	Common
	Explanation string   `json:"explanation"`
	Authors     []string `json:"authors"`
	Judgement   string   `json:"opinion"`
	ObjectRefs  []string `json:"object_refs"`
}

// ThreatActor is STIX 2.1 §4.17.
type ThreatActor struct {
	Common
	Name                 string    `json:"name"`
	Description          string    `json:"description"`
	ThreatActorTypes     []string  `json:"threat_actor_types"`
	Aliases              []string  `json:"aliases"`
	FirstSeen            Timestamp `json:"first_seen"`
	LastSeen             Timestamp `json:"last_seen"`
	Roles                []string  `json:"roles"`
	Goals                []string  `json:"goals"`
	Sophistication       string    `json:"sophistication"`
	ResourceLevel        string    `json:"resource_level"`
	PrimaryMotivation    string    `json:"primary_motivation"`
	SecondaryMotivations []string  `json:"secondary_motivations"`
	PersonalMotivations  []string  `json:"personal_motivations"`
}

// Tool is STIX 2.1 §4.18.
type Tool struct {
	Common
	Name            string           `json:"name"`
	Description     string           `json:"description"`
	ToolTypes       []string         `json:"tool_types"`
	Aliases         []string         `json:"aliases"`
	KillChainPhases []KillChainPhase `json:"kill_chain_phases"`
	ToolVersion     string           `json:"tool_version"`
}

// Vulnerability is STIX 2.1 §4.19.
type Vulnerability struct {
	Common
	Name        string `json:"name"`
	Description string `json:"description"`
}
