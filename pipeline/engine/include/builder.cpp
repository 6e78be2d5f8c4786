// From the description of a run to a simulation that is ready to start.

#include "builder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "description.h"
#include "network.h"
#include "npy.h"
#include "row_table_builder.h"

namespace currents {

namespace {

constexpr std::int64_t description_version = 1;

class Builder {
  public:
    Builder(std::string run_folder, std::size_t n_threads, DiskThread& disk)
        : folder_(std::move(run_folder)), n_threads_(n_threads), disk_(disk) {}

    std::unique_ptr<Simulation> build() {
        std::vector<Line> lines = read_description(path("inputs/program.txt"));
        read_head(lines);
        for (std::size_t i = 2; i < lines.size(); ++i) {
            read_line(lines[i]);
        }
        finish_groups();
        settle();
        simulation_->start();
        return std::move(simulation_);
    }

  private:
    using Reader = void (Builder::*)(Line&);

    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    // `currents VERSION` and `time DT STEPS` come first.
    void read_head(std::vector<Line>& lines) {
        if (lines.size() < 2 || lines[0].word() != "currents") {
            throw InputFailure(path("inputs/program.txt"), "does not describe a run");
        }
        const std::int64_t version = lines[0].whole();
        if (version != description_version) {
            lines[0].refuse("is of another version", std::to_string(description_version), std::to_string(version));
        }
        if (lines[1].word() != "time") {
            lines[1].refuse("does not give the time");
        }
        const double dt = lines[1].number();
        simulation_ = std::make_unique<Simulation>(lines[1].whole(1), n_threads_);
        simulation_->dt = dt;
        for (std::unique_ptr<Group>& group : make_groups(clock_)) {
            simulation_->groups.emplace_back().group = std::move(group);
        }
    }

    void read_line(Line& line) {
        static const std::map<std::string, Reader> readers = {
            {"group", &Builder::read_group},           {"number", &Builder::read_number},
            {"values", &Builder::read_values},         {"refractory", &Builder::read_refractory},
            {"poisson", &Builder::read_poisson},       {"injected", &Builder::read_injected},
            {"shared", &Builder::read_shared},         {"spike_file", &Builder::read_spike_file},
            {"projection", &Builder::read_projection}, {"trace", &Builder::read_trace},
            {"summed", &Builder::read_summed},         {"event", &Builder::read_event},
            {"recorder", &Builder::read_recorder},     {"section", &Builder::read_section},
            {"part", &Builder::read_part},             {"keep", &Builder::read_keep},
            {"spikes", &Builder::read_spikes},         {"rates", &Builder::read_rates},
            {"map", &Builder::read_map},               {"sources", &Builder::read_sources},
            {"edges", &Builder::read_edges},
        };
        const std::string keyword = line.word();
        const auto found = readers.find(keyword);
        if (found == readers.end()) {
            line.refuse("begins with an unknown word", "", keyword);
        }
        (this->*found->second)(line);
        line.finish();
    }

    // group NAME N_NEURONS FILE: the group's size, and the global index of each of its neurons.
    void read_group(Line& line) {
        const std::string name = line.word();
        Members& members = find_members(line, name);
        const std::int64_t n = line.whole(1);
        const std::vector<std::int32_t> global = read_npy<std::int32_t>(path(line.word()));
        if (static_cast<std::int64_t>(global.size()) != n || n > std::numeric_limits<std::int32_t>::max()) {
            line.refuse("has a list of neurons of another length", std::to_string(n), std::to_string(global.size()));
        }
        if (is_cut_) {
            line.refuse("is a group after edges", "groups first");
        }
        members.group->allocate(n);
        for (std::size_t local = 0; local < global.size(); ++local) {
            if (global[local] < 0) {
                line.refuse("has a list with a neuron below 0");
            }
            n_global_ = std::max<std::int64_t>(n_global_, global[local] + 1);
        }
        global_[name] = global;
        prepare(members);
    }

    // What Brian2's groups have from the start, besides values.
    void prepare(Members& members) {
        Group& group = *members.group;
        if (Array* ready = group.find("_ready_step")) {
            members.ready_step = ready->values<std::int64_t>();
            members.not_refractory = group.find("not_refractory")->values<char>();
            std::fill(members.not_refractory, members.not_refractory + group.n_neurons(), char{1});
            members.refractory_steps = {0};
        }
        if (Array* last = group.find("lastspike")) {
            members.lastspike = last->values<double>();
            std::fill(members.lastspike, members.lastspike + group.n_neurons(), -1e4);
        }
        if (Array* index = group.find("i")) {
            for (std::int64_t i = 0; i < group.n_neurons(); ++i) {
                index->values<std::int32_t>()[i] = static_cast<std::int32_t>(i);
            }
        }
        Array* v = group.find("v");
        members.v = v && v->type() == ItemType::float64 && !v->shared() ? v->values<double>() : nullptr;
    }

    // number GROUP VARIABLE VALUE: the same for all neurons.
    void read_number(Line& line) {
        Members& members = find_members(line, line.word());
        Array& array = find_array(line, members);
        const double value = line.number();
        for (std::int64_t i = 0; i < array.size(); ++i) {
            assign(array, i, value);
        }
    }

    // values GROUP VARIABLE FILE: one for each neuron.
    void read_values(Line& line) {
        Members& members = find_members(line, line.word());
        Array& array = find_array(line, members);
        const std::string file = path(line.word());
        const std::vector<double> values = read_npy<double>(file);
        if (static_cast<std::int64_t>(values.size()) != array.size()) {
            throw InputFailure(file, "is of the wrong length", std::to_string(array.size()), std::to_string(values.size()));
        }
        for (std::int64_t i = 0; i < array.size(); ++i) {
            assign(array, i, values[static_cast<std::size_t>(i)]);
        }
    }

    static void assign(Array& array, std::int64_t i, double value) {
        switch (array.type()) {
            case ItemType::float64:
                array.values<double>()[i] = value;
                break;
            case ItemType::int32:
                array.values<std::int32_t>()[i] = static_cast<std::int32_t>(value);
                break;
            case ItemType::int64:
                array.values<std::int64_t>()[i] = static_cast<std::int64_t>(value);
                break;
            case ItemType::byte:
                array.values<char>()[i] = value != 0.0;
                break;
        }
    }

    // refractory GROUP FILE: steps, one number or one per neuron.
    void read_refractory(Line& line) {
        Members& members = find_members(line, line.word());
        const std::string file = path(line.word());
        members.refractory_steps = read_npy<std::int64_t>(file);
        const auto n = static_cast<std::int64_t>(members.refractory_steps.size());
        if (!members.not_refractory || (n != 1 && n != members.group->n_neurons())) {
            throw InputFailure(file, "does not fit the group " + members.name());
        }
    }

    // poisson GROUP VARIABLE BEGIN END WEIGHT KEY0 KEY1 STEPS_PER_TABLE FIRST COUNT THRESHOLDS
    void read_poisson(Line& line) {
        Members& members = find_members(line, line.word());
        PoissonInput input;
        input.arrivals = &find_arrivals(line, members, line.word());
        read_range(line, members, input.begin, input.end);
        input.weight = line.number();
        input.tables.key0 = line.key();
        input.tables.key1 = line.key();
        input.tables.steps_per_table = line.whole(1);
        input.tables.first = read_npy<std::int64_t>(path(line.word()));
        input.tables.count = read_npy<std::int64_t>(path(line.word()));
        input.tables.thresholds = read_npy<std::uint32_t>(path(line.word()));
        check_tables(line, input.tables);
        const auto most = *std::max_element(input.tables.count.begin(), input.tables.count.end());
        input.arrivals->expect(input.begin, input.end, most, input.weight);
        members.inputs.push_back(std::move(input));
    }

    static void check_tables(const Line& line, const PoissonTables& tables) {
        bool fits = !tables.first.empty() && tables.first.size() == tables.count.size();
        const auto n = static_cast<std::int64_t>(tables.thresholds.size());
        for (std::size_t i = 0; fits && i < tables.first.size(); ++i) {
            fits = tables.first[i] >= 0 && tables.count[i] >= 0 && tables.first[i] <= n && tables.count[i] <= n - tables.first[i];
        }
        if (!fits) {
            line.refuse("has tables of thresholds that do not fit together");
        }
    }

    // injected GROUP VARIABLE BEGIN END STEPS_PER_VALUE VALUES
    void read_injected(Line& line) {
        Members& members = find_members(line, line.word());
        InjectedCurrent current;
        current.i_group = index_of(members);
        current.current = find_doubles(line, members);
        read_range(line, members, current.begin, current.end);
        current.steps_per_value = line.whole(1);
        current.values = read_npy<double>(path(line.word()));
        if (current.values.empty()) {
            line.refuse("has no values");
        }
        simulation_->currents.push_back(std::move(current));
    }

    // shared DRIVE N_SOURCES KEY0 KEY1 STEPS_PER_VALUE THRESHOLDS
    void read_shared(Line& line) {
        const std::string name = line.word();
        const auto n_sources = static_cast<std::int32_t>(line.whole(1));
        SourceTables tables;
        tables.key0 = line.key();
        tables.key1 = line.key();
        tables.steps_per_table = line.whole(1);
        tables.thresholds = read_npy<std::uint64_t>(path(line.word()));
        if (tables.thresholds.empty()) {
            line.refuse("has no thresholds");
        }
        simulation_->drives.push_back(std::make_unique<SourceDrive>(name, n_sources, std::move(tables)));
    }

    // spike_file DRIVE N_SOURCES STEPS SOURCES
    void read_spike_file(Line& line) {
        const std::string name = line.word();
        const auto n_sources = static_cast<std::int32_t>(line.whole(1));
        const std::string steps = path(line.word());
        auto file = std::make_unique<SpikeFile>(steps, path(line.word()), n_sources);
        simulation_->drives.push_back(std::make_unique<SourceDrive>(name, n_sources, std::move(file)));
    }

    // projection SOURCE TARGET VARIABLE TRACE, with TRACE `-` or a variable of the source group; its edges follow.
    void read_projection(Line& line) {
        find_source(line, line.word());
        Members& target = find_members(line, line.word());
        Arrivals& arrivals = find_arrivals(line, target, line.word());
        const std::string trace = line.word();
        const double* source_trace = trace == "-" ? nullptr : find_trace(line, trace);
        simulation_->projections.emplace_back(ring_, source_members_ == nullptr, &arrivals, source_trace);
        target_ = &target;
        take_edges_ = [this](const std::string& folder, double) {
            simulation_->projections.back().add(load_edges<RowTable>(folder, target_->segments));
        };
    }

    // summed SOURCE TARGET VARIABLE per_source TRACE | summed SOURCE TARGET VARIABLE per_synapse FACTOR; its edges follow.
    void read_summed(Line& line) {
        find_source(line, line.word());
        Members& target = find_members(line, line.word());
        double* sums = find_doubles(line, target);
        const std::string kind = line.word();
        const std::int64_t n = target.group->n_neurons();
        if (kind == "per_source") {
            const double* trace = find_trace(line, line.word());
            simulation_->summed_traces.push_back(std::make_unique<SourceSums>(trace, sums, n));
        } else if (kind == "per_synapse") {
            simulation_->summed_traces.push_back(std::make_unique<SynapseSums>(ring_, sums, n, line.number()));
        } else {
            line.refuse("has another kind of traces", "per_source or per_synapse", kind);
        }
        target_ = &target;
        take_edges_ = [this](const std::string& folder, double initial) {
            const auto n_targets = static_cast<std::int32_t>(target_->group->n_neurons());
            simulation_->summed_traces.back()->add(load_edges<OrderedEdges>(folder, n_targets), initial);
        };
    }

    // edges FOLDER INITIAL_TRACE: of the projection or sum before.
    void read_edges(Line& line) {
        if (!take_edges_) {
            line.refuse("belongs to no projection");
        }
        const std::string folder = path(line.word());
        take_edges_(folder, line.number());
    }

    // Edges from the current source to the current target, whose spikes are then kept for as long as the delays last.
    template <class Edges, class Targets>
    Edges load_edges(const std::string& folder, const Targets& targets) {
        Edges edges = Edges::load(folder, source_local_, n_sources_, local_indices(target_->name()), targets);
        for (const std::int32_t delay : edges.delays()) {
            ring_->reserve(delay);
        }
        return edges;
    }

    // trace GROUP VARIABLE DELAY: grows by 1 when a neuron's spike is delivered, after it has been.
    void read_trace(Line& line) {
        Members& members = find_members(line, line.word());
        double* trace = find_doubles(line, members);
        const std::int64_t delay = line.whole();
        members.ring.reserve(delay);
        simulation_->trace_updates.emplace_back(&members.ring, trace, delay);
    }

    // event STEP GROUP VARIABLE LOCAL VALUE
    void read_event(Line& line) {
        const std::int64_t step = line.whole();
        Members& members = find_members(line, line.word());
        Array* array = &find_array(line, members);
        const std::int64_t local = line.whole();
        const double value = line.number();
        if (local >= array->size() || (!simulation_->events.empty() && step < simulation_->events.back().step)) {
            line.refuse("is an event of no neuron, or out of order");
        }
        const auto set = [array, local, value] { assign(*array, local, value); };
        simulation_->events.push_back({step, index_of(members), local, array->shared(), set});
    }

    // recorder FOLDER STEPS_PER_BIN ITEM_BYTES CHUNK_ROWS TILE_COLUMNS N_SECTIONS; as many lines `section N_COLUMNS`, then
    // the lines `part` and `keep`.
    void read_recorder(Line& line) {
        settle();
        recorder_folder_ = path(line.word());
        steps_per_bin_ = line.whole(1);
        item_bytes_ = static_cast<std::uint32_t>(line.whole(4));
        chunk_rows_ = line.whole(1);
        tile_columns_ = line.whole(1);
        n_sections_ = static_cast<std::size_t>(line.whole(1));
        if (item_bytes_ != sizeof(float) && item_bytes_ != sizeof(double)) {
            line.refuse("has values of neither 4 nor 8 bytes");
        }
        sections_.clear();
    }

    void read_section(Line& line) {
        sections_.push_back({item_bytes_, line.whole(), tile_columns_});
        if (sections_.size() == n_sections_) {
            simulation_->value_recorders.push_back(std::make_unique<ValueRecorder>(
                disk_, recorder_folder_, steps_per_bin_, sections_, chunk_rows_, simulation_->groups.size()));
        }
    }

    // part SECTION GROUP VARIABLE SCALE LOCAL COLUMNS, with SCALE `-` or a variable of the group
    void read_part(Line& line) {
        if (simulation_->value_recorders.empty() || sections_.size() != n_sections_) {
            line.refuse("belongs to no recorder");
        }
        ValueRecorder& recorder = *simulation_->value_recorders.back();
        const auto i_section = static_cast<std::size_t>(line.whole());
        if (i_section >= n_sections_) {
            line.refuse("names a section that does not exist");
        }
        Members& members = find_members(line, line.word());
        ValueSource source = find_values(line, members, recorder);
        const std::string scale = line.word();
        if (scale != "-") {
            source.scale = find_doubles(line, members, scale);
            source.scale_is_shared = members.group->find(scale)->shared();
        }
        const auto local = read_npy<std::int32_t>(path(line.word()));
        const auto columns = read_npy<std::int32_t>(path(line.word()));
        const Section& section = recorder.section(i_section);
        check_ascending(line, local, members.group->n_neurons());
        check_ascending(line, columns, section.n_columns);
        if (local.size() != columns.size()) {
            line.refuse("has lists of unlike lengths");
        }
        recorder.add_part(index_of(members), {i_section, source, local, columns, section, chunk_rows_, members.group->n_neurons()});
    }

    static void check_ascending(const Line& line, const std::vector<std::int32_t>& list, std::int64_t end) {
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i] < 0 || list[i] >= end || (i > 0 && list[i] <= list[i - 1])) {
                line.refuse("has a list that is not ascending from 0 to less than " + std::to_string(end));
            }
        }
    }

    // keep GROUP VARIABLE
    void read_keep(Line& line) {
        if (simulation_->value_recorders.empty()) {
            line.refuse("belongs to no recorder");
        }
        Members& members = find_members(line, line.word());
        const std::string variable = line.word();
        find_doubles(line, members, variable);
        simulation_->value_recorders.back()->add_keep(index_of(members), variable);
    }

    // spikes FOLDER CHUNK_ROWS; its maps follow.
    void read_spikes(Line& line) {
        const std::string folder = path(line.word());
        simulation_->spike_recorders.push_back(std::make_unique<SpikeRecorder>(disk_, folder, line.whole(1)));
        begin_maps(n_global_);
        take_map_ = [this](NeuronMap map) { simulation_->spike_recorders.back()->add_map(std::move(map)); };
    }

    // rates FOLDER STEPS_PER_BIN N_POPULATIONS CHUNK_ROWS; its maps follow.
    void read_rates(Line& line) {
        const std::string folder = path(line.word());
        const std::int64_t steps = line.whole(1);
        const std::int64_t n_populations = line.whole(1);
        simulation_->rate_recorders.push_back(
            std::make_unique<RateRecorder>(disk_, folder, steps, n_populations, line.whole(1)));
        begin_maps(n_populations);
        take_map_ = [this](NeuronMap map) { simulation_->rate_recorders.back()->add_map(std::move(map)); };
    }

    void begin_maps(std::int64_t n_numbers) {
        n_numbers_ = n_numbers;
        i_map_ = 0;
    }

    // map GROUP FILE: the number of each of the group's neurons in the record before; one per group, in their order.
    void read_map(Line& line) {
        if (!take_map_) {
            line.refuse("belongs to no record of spikes");
        }
        Members& members = find_members(line, line.word());
        const std::string file = path(line.word());
        std::vector<std::int32_t> numbers = read_npy<std::int32_t>(file);
        if (static_cast<std::int64_t>(numbers.size()) != members.group->n_neurons()) {
            throw InputFailure(file, "does not fit the group " + members.name());
        }
        if (i_map_ != index_of(members)) {
            line.refuse("is not of the next group");
        }
        check_numbers(file, numbers, n_numbers_);
        ++i_map_;
        take_map_(NeuronMap(std::move(numbers)));
    }

    static void check_numbers(const std::string& file, const std::vector<std::int32_t>& numbers, std::int64_t end) {
        for (const std::int32_t number : numbers) {
            if (number < -1 || number >= end) {
                throw InputFailure(file, "has a number of nothing that is recorded", "-1 to " + std::to_string(end - 1),
                                   std::to_string(number));
            }
        }
    }

    // sources FOLDER CHUNK_ROWS: the record of the spikes of the next drive.
    void read_sources(Line& line) {
        const std::string folder = path(line.word());
        auto recorder = std::make_unique<SpikeRecorder>(disk_, folder, line.whole(1));
        const std::size_t i_drive = simulation_->source_recorders.size();
        if (i_drive >= simulation_->drives.size()) {
            line.refuse("belongs to no drive");
        }
        std::vector<std::int32_t> numbers(static_cast<std::size_t>(simulation_->drives[i_drive]->n_sources()));
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i] = static_cast<std::int32_t>(i);
        }
        recorder->add_map(NeuronMap(std::move(numbers)));
        simulation_->source_recorders.push_back(std::move(recorder));
    }

    Members& find_members(const Line& line, const std::string& name) {
        for (Members& members : simulation_->groups) {
            if (members.name() == name) {
                return members;
            }
        }
        line.refuse("names an unknown group of neurons", "", name);
    }

    std::size_t index_of(const Members& members) const {
        return static_cast<std::size_t>(&members - simulation_->groups.data());
    }

    Array& find_array(Line& line, Members& members, const std::string& variable) {
        Array* array = members.group->find(variable);
        if (!array || array->size() == 0) {
            line.refuse("names an unknown variable of " + members.name(), "", variable);
        }
        return *array;
    }

    Array& find_array(Line& line, Members& members) { return find_array(line, members, line.word()); }

    double* find_doubles(Line& line, Members& members, const std::string& variable) {
        Array& array = find_array(line, members, variable);
        if (array.type() != ItemType::float64) {
            line.refuse("names a variable that is not of real numbers", "", variable);
        }
        return array.values<double>();
    }

    // What arrives through a channel: made when it is named for the first time.
    Arrivals& find_arrivals(Line& line, Members& members, const std::string& variable) {
        find_doubles(line, members, variable);
        Array& array = find_array(line, members, variable);
        for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            if (&arrivals->variable() == &array) {
                return *arrivals;
            }
        }
        if (is_settled_) {
            line.refuse("adds to arrivals after a recorder", "recorders last");
        }
        members.arrivals.push_back(std::make_unique<Arrivals>(array, members.group->n_neurons()));
        return *members.arrivals.back();
    }

    // Decide how arrivals are kept, once all that can arrive is known.
    void settle() {
        for (Members& members : simulation_->groups) {
            for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
                if (!is_settled_) {
                    arrivals->settle();
                }
            }
        }
        is_settled_ = true;
    }

    // What a part of a recorder reads: a variable, or the bin's sum of what arrives, when the variable is that.
    ValueSource find_values(Line& line, Members& members, ValueRecorder& recorder) {
        const std::string variable = line.word();
        ValueSource source;
        source.values = find_doubles(line, members, variable);
        for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            if (arrivals->variable().variable() == variable) {
                BinSums* sums = arrivals->add_bin_sums();
                recorder.add_bin_sums(sums);
                source.values = sums->sums.data();
                source.counts = arrivals->are_counted() ? sums->counts.data() : nullptr;
                source.weights = arrivals->are_counted() ? arrivals->ranges() : std::vector<WeightRange>();
            }
        }
        return source;
    }

    // A trace of the sources of edges, which must be neurons.
    const double* find_trace(Line& line, const std::string& variable) {
        if (!source_members_) {
            line.refuse("asks for a trace of the sources of a drive");
        }
        return find_doubles(line, *source_members_, variable);
    }

    double* find_doubles(Line& line, Members& members) { return find_doubles(line, members, line.word()); }

    static void read_range(Line& line, Members& members, std::int64_t& begin, std::int64_t& end) {
        begin = line.whole();
        end = line.whole(begin);
        if (end > members.group->n_neurons()) {
            line.refuse("has a range of neurons beyond the group", std::to_string(members.group->n_neurons()),
                        std::to_string(end));
        }
    }

    // Set what is known of the sources of edges: a group of neurons, or a drive.
    void find_source(const Line& line, const std::string& name) {
        finish_groups();
        for (std::unique_ptr<SourceDrive>& drive : simulation_->drives) {
            if (drive->name() == name) {
                n_sources_ = drive->n_sources();
                ring_ = &drive->ring();
                source_members_ = nullptr;
                source_local_.resize(static_cast<std::size_t>(n_sources_));
                for (std::int32_t i = 0; i < n_sources_; ++i) {
                    source_local_[static_cast<std::size_t>(i)] = i;
                }
                return;
            }
        }
        source_members_ = &find_members(line, name);
        n_sources_ = static_cast<std::int32_t>(source_members_->group->n_neurons());
        ring_ = &source_members_->ring;
        source_local_ = local_indices(name);
    }

    // For each global index, the index in a group; -1 where the neuron is not of that group.
    std::vector<std::int32_t> local_indices(const std::string& group) const {
        std::vector<std::int32_t> local(static_cast<std::size_t>(n_global_), -1);
        const std::vector<std::int32_t>& global = global_.at(group);
        for (std::size_t i = 0; i < global.size(); ++i) {
            local[static_cast<std::size_t>(global[i])] = static_cast<std::int32_t>(i);
        }
        return local;
    }

    // All groups are known: cut them into segments.
    void finish_groups() {
        if (is_cut_) {
            return;
        }
        for (Members& members : simulation_->groups) {
            if (members.group->n_neurons() == 0) {
                throw InputFailure(path("inputs/program.txt"), "says nothing of the group " + members.name());
            }
        }
        simulation_->cut_groups();
        is_cut_ = true;
    }

    std::string folder_;
    std::size_t n_threads_;
    DiskThread& disk_;
    std::unique_ptr<Simulation> simulation_;
    Clock clock_;
    std::int64_t n_global_ = 0;
    std::map<std::string, std::vector<std::int32_t>> global_;

    bool is_cut_ = false;
    bool is_settled_ = false;

    // Of the projection or sum whose edges are read.
    std::vector<std::int32_t> source_local_;
    std::int32_t n_sources_ = 0;
    SpikeRing* ring_ = nullptr;
    Members* source_members_ = nullptr;
    Members* target_ = nullptr;
    std::function<void(const std::string&, double)> take_edges_;

    // Of the recorder whose sections and parts are read.
    std::string recorder_folder_;
    std::int64_t steps_per_bin_ = 1;
    std::uint32_t item_bytes_ = 4;
    std::int64_t chunk_rows_ = 1;
    std::int64_t tile_columns_ = 1;
    std::size_t n_sections_ = 0;
    std::vector<Section> sections_;

    // Of the record of spikes whose maps are read.
    std::int64_t n_numbers_ = 0;
    std::size_t i_map_ = 0;
    std::function<void(NeuronMap)> take_map_;
};

}  // namespace

std::unique_ptr<Simulation> build_simulation(const std::string& run_folder, std::size_t n_threads, DiskThread& disk) {
    return Builder(run_folder, n_threads, disk).build();
}

}  // namespace currents
