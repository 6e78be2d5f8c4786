// From the description of a run to a simulation that is ready to start: its lines, read in their order.

#include "builder.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "drive_reader.h"
#include "group_reader.h"
#include "network.h"
#include "pathway_reader.h"
#include "recorder_reader.h"

namespace currents {

namespace {

// Stages of a description, in the order in which they come.
enum class Stage { files, groups, variables, drives, pathways, events, records, copies };

class Builder {
  public:
    Builder(Request& request, RunFolder& run, DiskThread& disk)
        : request_(request), run_(run), disk_(disk), inputs_(request.inputs), text_(inputs_.path() + "/program.txt") {}

    std::unique_ptr<Simulation> build() {
        std::vector<Line>& lines = text_.lines();
        read_head(lines);
        for (std::size_t i = n_head; i < lines.size(); ++i) {
            read_line(lines[i]);
        }
        enter(Stage::copies, lines.back());
        inputs_.check_use(text_.path());
        simulation_->start();
        return std::move(simulation_);
    }

  private:
    // What reads a line that begins with a word.
    struct Keyword {
        const char* word;
        Stage stage;
        void (*read)(Builder& builder, Line& line);
    };
    static constexpr std::size_t n_head = 3;

    // `currents VERSION NETWORK`, whose version has been checked, `time DT STEPS` and `seed SEED` come first.
    void read_head(std::vector<Line>& lines) {
        if (lines.size() < n_head) {
            throw InputFailure(text_.path(), "does not describe a run");
        }
        lines[0].word();
        lines[0].whole();
        const std::string key = lines[0].word();
        lines[0].finish();
        if (key != network_key) {
            lines[0].refuse("is of another network than this program", network_key, key);
        }
        if (lines[1].word() != "time") {
            lines[1].refuse("does not give the time");
        }
        const double dt = lines[1].number();
        const std::int64_t n_steps = lines[1].whole(1, most_steps);
        lines[1].finish();
        if (!(dt > 0.0)) {
            lines[1].refuse("has a step that does not take time");
        }
        if (lines[2].word() != "seed") {
            lines[2].refuse("does not give the seed");
        }
        const std::int64_t seed = lines[2].whole();
        lines[2].finish();
        request_.seed = request_.has_seed ? request_.seed : seed;
        const std::int64_t n = request_.duration ? request_.duration->count_steps(dt, "dt") : n_steps;
        simulation_ = std::make_unique<Simulation>(n, request_.n_threads);
        simulation_->dt = dt;
        for (std::unique_ptr<Group>& group : make_groups(clock_)) {
            simulation_->groups.emplace_back().group = std::move(group);
        }
    }

    void read_line(Line& line) {
        static constexpr Keyword keywords[] = {
            {"file", Stage::files, [](Builder& b, Line& l) { b.inputs_.list(l); }},
            {"group", Stage::groups, [](Builder& b, Line& l) { b.groups_->read_group(l); }},
            {"number", Stage::variables, [](Builder& b, Line& l) { b.groups_->read_number(l); }},
            {"values", Stage::variables, [](Builder& b, Line& l) { b.groups_->read_values(l); }},
            {"sample", Stage::variables, [](Builder& b, Line& l) { b.groups_->read_sample(l); }},
            {"refractory", Stage::variables, [](Builder& b, Line& l) { b.groups_->read_refractory(l); }},
            {"poisson", Stage::drives, [](Builder& b, Line& l) { b.drives_->read_poisson(l); }},
            {"injected", Stage::drives, [](Builder& b, Line& l) { b.drives_->read_injected(l); }},
            {"shared", Stage::drives, [](Builder& b, Line& l) { b.drives_->read_shared(l); }},
            {"spike_file", Stage::drives, [](Builder& b, Line& l) { b.drives_->read_spike_file(l); }},
            {"projection", Stage::pathways, [](Builder& b, Line& l) { b.pathways_->read_projection(l); }},
            {"summed", Stage::pathways, [](Builder& b, Line& l) { b.pathways_->read_summed(l); }},
            {"edges", Stage::pathways, [](Builder& b, Line& l) { b.pathways_->read_edges(l); }},
            {"trace", Stage::pathways, [](Builder& b, Line& l) { b.pathways_->read_trace(l); }},
            {"events", Stage::events, [](Builder& b, Line& l) { b.drives_->read_events(l); }},
            {"event", Stage::events, [](Builder& b, Line& l) { b.drives_->read_event(l); }},
            {"recorder", Stage::records, [](Builder& b, Line& l) { b.records_->read_recorder(l); }},
            {"section", Stage::records, [](Builder& b, Line& l) { b.records_->read_section(l); }},
            {"part", Stage::records, [](Builder& b, Line& l) { b.records_->read_part(l); }},
            {"keep", Stage::records, [](Builder& b, Line& l) { b.records_->read_keep(l); }},
            {"spikes", Stage::records, [](Builder& b, Line& l) { b.records_->read_spikes(l); }},
            {"rates", Stage::records, [](Builder& b, Line& l) { b.records_->read_rates(l); }},
            {"map", Stage::records, [](Builder& b, Line& l) { b.records_->read_map(l); }},
            {"sources", Stage::records, [](Builder& b, Line& l) { b.records_->read_sources(l); }},
            {"copy", Stage::copies, [](Builder& b, Line& l) { b.records_->read_copy(l); }},
            {"index", Stage::copies, [](Builder& b, Line& l) { b.records_->read_index(l); }},
        };
        const std::string word = line.word();
        for (const Keyword& keyword : keywords) {
            if (word == keyword.word) {
                if (keyword.stage < stage_) {
                    line.refuse("comes too late", "", word);
                }
                enter(keyword.stage, line);
                keyword.read(*this, line);
                line.finish();
                return;
            }
        }
        line.refuse("begins with an unknown word", "", word);
    }

    // Finish one stage after another until a line's own is reached.
    void enter(Stage stage, const Line& line) {
        while (stage_ < stage) {
            finish_stage(line);
            stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
        }
    }

    void finish_stage(const Line& line) {
        switch (stage_) {
            case Stage::files:
                inputs_.check();
                run_.open();
                groups_ = std::make_unique<GroupReader>(*simulation_, inputs_, request_.seed);
                break;
            case Stage::groups:
                groups_->finish_groups(text_.path());
                simulation_->cut_groups();
                break;
            case Stage::variables:
                groups_->finish_variables(text_.path());
                drives_ = std::make_unique<DriveReader>(*simulation_, inputs_, request_.seed);
                break;
            case Stage::drives:
                pathways_ = std::make_unique<PathwayReader>(*simulation_, inputs_, *groups_);
                break;
            case Stage::pathways:
                pathways_->finish(line, text_.path());
                settle();
                break;
            case Stage::events:
                drives_->finish_events(text_.path());
                records_ = std::make_unique<RecorderReader>(*simulation_, inputs_, run_, disk_, groups_->n_neurons(),
                                                            request_.duration);
                break;
            case Stage::records:
                records_->finish(line);
                break;
            case Stage::copies:
                break;
        }
    }

    // Decide how arrivals are kept, once all that can arrive is known.
    void settle() {
        for (Members& members : simulation_->groups) {
            for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
                arrivals->settle();
            }
        }
    }

    Request& request_;
    RunFolder& run_;
    DiskThread& disk_;
    InputFolder inputs_;
    Description text_;
    Clock clock_;
    Stage stage_ = Stage::files;
    std::unique_ptr<Simulation> simulation_;
    std::unique_ptr<GroupReader> groups_;
    std::unique_ptr<DriveReader> drives_;
    std::unique_ptr<PathwayReader> pathways_;
    std::unique_ptr<RecorderReader> records_;
};

}  // namespace

std::unique_ptr<Simulation> build_simulation(Request& request, RunFolder& run, DiskThread& disk) {
    return Builder(request, run, disk).build();
}

}  // namespace currents
