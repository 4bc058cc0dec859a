"""The compatibility room: what speaks Collective Knowledge's own words lives here and nowhere else."""
