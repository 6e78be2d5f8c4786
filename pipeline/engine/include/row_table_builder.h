// From the files of a pathway's edges to a table of rows.

#ifndef CURRENTS_ROW_TABLE_BUILDER_H
#define CURRENTS_ROW_TABLE_BUILDER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edge_files.h"
#include "row_table.h"

namespace currents {

// Makes a table in passes over the files: which delays there are, how many edges each cell has, and the edges.
class RowTableBuilder {
  public:
    RowTableBuilder(const std::string& folder, const std::vector<std::int32_t>& source_local, std::int32_t n_sources,
                    const std::vector<std::int32_t>& target_local, const Segments& segments)
        : folder_(folder),
          source_local_(source_local),
          target_local_(target_local),
          n_sources_(static_cast<std::size_t>(n_sources)),
          files_(folder, source_local.size(), target_local.size()) {
        check_groups(source_local, n_sources, target_local, static_cast<std::int32_t>(segments.start(segments.size())));
        table_.segments_ = segments;
    }

    RowTable build() {
        find_delays();
        count_cells();
        index_cells();
        table_.targets_.resize(table_.n_edges_ + 1);  // one more: a loop without branches writes before it decides
        if (!has_one_weight_) table_.weights_.resize(table_.n_edges_ + 1);
        if (n_cells() == 1) fill_in_order();
        else fill_cells();
        return std::move(table_);
    }

  private:
    // The number of edges of a cell.
    struct Cell {
        std::uint32_t number;
        std::uint32_t n_edges;
    };

    // Number of cells of a source.
    std::size_t n_cells() const { return table_.delays_.size() * table_.segments_.size(); }

    template <class Visit>
    void visit_edges(Visit visit) {
        files_.visit_rows(source_local_, visit);
    }

    // Index of an edge's target in its group, or a negative number when it belongs to another one.
    std::int32_t local_target(const EdgeBlock& block, std::int64_t e) const {
        return target_local_[static_cast<std::size_t>(block.target[e])];
    }

    // Call f(cell, first, last) for the runs of edges within block[from … to) that follow each other and lie in one cell.
    template <class F>
    void visit_cells(const EdgeBlock& block, std::int64_t from, std::int64_t to, Segments::Cursor& segment, F f) const {
        for (std::int64_t e = from; e < to;) {
            const std::int32_t target = local_target(block, e);
            if (target < 0) {
                ++e;
                continue;
            }
            segment.move_to(target);
            const std::int64_t first = e;
            const auto belongs = [&](std::int64_t i) {
                return (block.delay == nullptr || block.delay[i] == block.delay[first]) && segment.holds(local_target(block, i));
            };
            do ++e;
            while (e < to && belongs(e));
            const std::size_t i_delay = block.delay == nullptr ? 0 : index_[block.delay[first]];
            f(i_delay * table_.segments_.size() + segment.index(), first, e);
        }
    }

    void find_delays() {
        std::set<std::int32_t> delays;
        if (files_.has_one_delay()) {
            delays.insert(files_.one_delay());
        } else {
            std::vector<bool> is_used(static_cast<std::size_t>(DelayIndex::n_looked_up), false);
            visit_edges([&](std::int32_t, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
                for (std::int64_t e = from; e < to; ++e) {
                    const std::int32_t delay = block.delay[e];
                    if (local_target(block, e) < 0) continue;
                    if (delay < DelayIndex::n_looked_up) is_used[static_cast<std::size_t>(delay)] = true;
                    else delays.insert(delay);
                }
            });
            for (std::size_t d = 0; d < is_used.size(); ++d) {
                if (is_used[d]) delays.insert(static_cast<std::int32_t>(d));
            }
        }
        index_ = DelayIndex(delays);
        table_.delays_ = index_.delays();
        if (n_cells() > std::numeric_limits<std::uint32_t>::max()) {
            throw InputFailure(folder_, "has too many different delays for this many targets");
        }
    }

    void count_cells() {
        std::vector<std::uint32_t> counts(n_cells(), 0);
        Segments::Cursor segment(table_.segments_);
        std::vector<std::uint32_t> used;
        std::int32_t current = -1;
        n_entries_.assign(n_sources_, 0);
        const auto finish_row = [&] {
            std::sort(used.begin(), used.end());
            for (const std::uint32_t number : used) {
                entries_.push_back({number, counts[number]});
                table_.n_edges_ += counts[number];
                counts[number] = 0;
            }
            if (current >= 0) n_entries_[static_cast<std::size_t>(current)] = static_cast<std::uint32_t>(used.size());
            used.clear();
        };
        visit_edges([&](std::int32_t source, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            if (source != current) finish_row();
            current = source;
            compare_weights(block, from, to);
            if (n_cells() == 1) {
                const std::uint32_t n_kept = count_kept(block, from, to);
                if (n_kept > 0 && counts[0] == 0) used.push_back(0);
                counts[0] += n_kept;
                return;
            }
            visit_cells(block, from, to, segment, [&](std::size_t cell, std::int64_t first, std::int64_t last) {
                if (counts[cell] == 0) used.push_back(static_cast<std::uint32_t>(cell));
                counts[cell] += static_cast<std::uint32_t>(last - first);
            });
        });
        finish_row();
    }

    std::uint32_t count_kept(const EdgeBlock& block, std::int64_t from, std::int64_t to) const {
        std::uint32_t n_kept = 0;
        for (std::int64_t e = from; e < to; ++e) n_kept += local_target(block, e) >= 0 ? 1 : 0;
        return n_kept;
    }

    // Find out whether the weights of all edges of the table are one, to the bit.
    void compare_weights(const EdgeBlock& block, std::int64_t from, std::int64_t to) {
        if (block.weight == nullptr) table_.weight_ = files_.one_weight();
        if (block.weight == nullptr || !has_one_weight_) return;
        for (std::int64_t e = from; e < to; ++e) {
            if (local_target(block, e) < 0) continue;
            if (!has_weight_) table_.weight_ = block.weight[e];
            has_weight_ = true;
            if (std::memcmp(&table_.weight_, block.weight + e, sizeof(float)) != 0) has_one_weight_ = false;
        }
    }

    void index_cells() {
        if (table_.n_edges_ == 0) table_.delays_.clear();
        const double n_bytes = table_.n_edges_ <= std::numeric_limits<std::uint32_t>::max() ? 4.0 : 8.0;
        const double dense = n_bytes * static_cast<double>(n_sources_) * static_cast<double>(n_cells());
        const double sparse =
            (n_bytes + 4.0) * static_cast<double>(entries_.size()) + 4.0 * static_cast<double>(n_sources_);
        if (dense <= sparse || entries_.empty()) index_densely();
        else index_sparsely();
    }

    void index_densely() {
        table_.starts_ = Offsets(n_sources_ * n_cells() + 1, table_.n_edges_);
        std::uint64_t position = 0;
        std::size_t entry = 0, cell = 0;
        for (std::size_t s = 0; s < n_sources_; ++s) {
            const std::size_t row_end = entry + n_entries_[s];
            for (std::size_t c = 0; c < n_cells(); ++c) {
                table_.starts_.set(cell++, position);
                if (entry < row_end && entries_[entry].number == c) position += entries_[entry++].n_edges;
            }
        }
        table_.starts_.set(cell, position);
    }

    void index_sparsely() {
        table_.starts_ = Offsets(entries_.size() + 1, table_.n_edges_);
        table_.rows_ = Offsets(n_sources_ + 1, entries_.size());
        table_.cells_.resize(entries_.size());
        std::uint64_t position = 0, n_entries = 0;
        for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
            table_.starts_.set(entry, position);
            table_.cells_[entry] = entries_[entry].number;
            position += entries_[entry].n_edges;
        }
        table_.starts_.set(entries_.size(), position);
        for (std::size_t s = 0; s < n_sources_; ++s) {
            table_.rows_.set(s, n_entries);
            n_entries += n_entries_[s];
        }
        table_.rows_.set(n_sources_, n_entries);
    }

    // With one cell per source, the order of the table is that of the file.
    void fill_in_order() {
        std::uint16_t* targets = table_.targets_.data();
        float* weights = table_.weights_.data();
        std::size_t n = 0;
        visit_edges([&](std::int32_t, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            for (std::int64_t e = from; e < to; ++e) {
                const std::int32_t target = local_target(block, e);
                targets[n] = static_cast<std::uint16_t>(target);
                if (!has_one_weight_) weights[n] = block.weight[e];
                n += target >= 0 ? 1 : 0;
            }
        });
    }

    void fill_cells() {
        std::vector<std::uint64_t> next(n_cells(), 0);  // where the next edge of each cell of the current source goes
        Segments::Cursor segment(table_.segments_);
        std::int32_t current = -1;
        std::uint64_t position = 0;
        std::size_t entry = 0;
        const auto begin_row = [&](std::int32_t source) {
            current = source;
            for (std::size_t i = 0; i < n_entries_[static_cast<std::size_t>(source)]; ++i, ++entry) {
                next[entries_[entry].number] = position;
                position += entries_[entry].n_edges;
            }
        };
        visit_edges([&](std::int32_t source, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            if (source != current) begin_row(source);
            visit_cells(block, from, to, segment, [&](std::size_t cell, std::int64_t first, std::int64_t last) {
                const auto start = static_cast<std::int32_t>(table_.segments_.region_start(segment.index()));
                std::uint64_t& at = next[cell];
                for (std::int64_t e = first; e < last; ++e, ++at) {
                    table_.targets_[at] = static_cast<std::uint16_t>(local_target(block, e) - start);
                    if (!has_one_weight_) table_.weights_[at] = block.weight[e];
                }
            });
        });
    }

    const std::string& folder_;
    const std::vector<std::int32_t>& source_local_;
    const std::vector<std::int32_t>& target_local_;
    std::size_t n_sources_;
    EdgeFiles files_;
    DelayIndex index_;
    bool has_one_weight_ = true;  // until two weights differ
    bool has_weight_ = false;
    std::vector<Cell> entries_;             // cells with edges, source by source
    std::vector<std::uint32_t> n_entries_;  // of each source
    RowTable table_;
};

inline RowTable RowTable::load(const std::string& folder, const std::vector<std::int32_t>& source_local,
                               std::int32_t n_sources, const std::vector<std::int32_t>& target_local,
                               const Segments& segments) {
    return RowTableBuilder(folder, source_local, n_sources, target_local, segments).build();
}

}  // namespace currents

#endif  // CURRENTS_ROW_TABLE_BUILDER_H
