"""Keys of CK program metadata that this version cannot follow: they are refused by name, never ignored."""

from __future__ import annotations

# Files or metadata of other entries, CK scripts that run before compilation, telephones.
REFUSED = ("base_uoa", "_base_entry", "use_preprocess_compilation_scripts", "apk")
# Of one command's run_time: the choice of a device through CK's platform modules, and test farms.
REFUSED_AT_RUN = ("need_compute_device", "run_via_third_party")
